from tests.support import *
async def test_x(stack):
    with ServiceProcess(stack, "partners") as p:
        async with Bus.of(stack) as bus:
            a = await Applicant(stack).prepare(bus)
            ans = await bus.ask(a.command, a.actor)
            assert ans.status == 201, ans
            print(ans)
            print(p.tail())

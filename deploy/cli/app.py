"""The `gatehouse` command, put together. A new group of subcommands is one file and one line here."""

import typer

from deploy.cli import audit, dead_letters, demo, exports, keys, people, stack, topics, voucher
from deploy.cli.options import HonestGroup

app = typer.Typer(
    cls=HonestGroup,
    help="Gatehouse: run it, operate it, look into it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.command()(people.token)
app.command()(people.sms)
app.command()(demo.demo)
app.add_typer(dead_letters.letters, name="dead-letters")
app.add_typer(dead_letters.outbox, name="outbox")
app.add_typer(audit.audit, name="audit")
app.add_typer(topics.topics, name="topics")
app.add_typer(topics.acl, name="acl")
app.add_typer(voucher.voucher, name="voucher")
app.add_typer(exports.exports, name="exports")
app.add_typer(keys.keys, name="keys")


if __name__ == "__main__":
    app()

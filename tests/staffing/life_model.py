"""Memberships of one tenant as the rows of requirements.md say them, without a look at the service."""

from dataclasses import dataclass, field

LEVELS = {"ADMIN": 80, "MANAGER": 50, "CASHIER": 10}
ADMINISTER = {"OWNER", "ADMIN"}


@dataclass
class Member:
    kind: str
    role: str
    active: bool = True
    branches: set[int] = field(default_factory=set)
    periods_over: int = 0
    version: int = 0

    @property
    def level(self) -> int:
        return 100 if self.kind == "OWNER" else LEVELS[self.role]


class Model:
    """People and branches by number; each verb says what the service must answer: a status or a code."""

    def __init__(self, branches: int) -> None:
        self.people: dict[int, Member] = {0: Member("OWNER", "ADMIN", version=2)}
        self.frozen = dict.fromkeys(range(branches), False)

    def hire(self, actor: int, who: int, role: str, branches: list[int]) -> str | int:
        refused = (
            self._outside(actor) or self._above(LEVELS[role], actor) or self._bad(branches, empty="BRANCH_REQUIRED")
        )
        if refused:
            return refused
        member, wanted = self.people.get(who), set(branches)
        if member is None:
            self.people[who] = Member("MEMBER", role, branches=wanted, version=2 + len(wanted))
            return 201
        if member.kind == "OWNER":
            return "CANNOT_DEMOTE_OWNER_ROLE"
        if member.active:
            return 200 if (member.role, member.branches) == (role, wanted) else "STAFF_ALREADY_EXISTS"
        member.active, member.role, member.branches = True, role, wanted
        member.periods_over += 1
        member.version += 2 + len(wanted)
        return 200

    def change_role(self, actor: int, who: int, role: str) -> str | int:
        refused = self._outside(actor) or self._untouchable(actor, who)
        if refused:
            return refused
        member = self.people[who]
        if member.kind == "OWNER":
            return "CANNOT_DEMOTE_OWNER_ROLE"
        refused = self._above(LEVELS[role], actor)
        if refused:
            return refused
        member.version += member.role != role
        member.role = role
        return 200

    def change_kind(self, actor: int, who: int, kind: str) -> str | int:
        refused = self._outside(actor, {"OWNER"}) or self._untouchable(actor, who)
        if refused:
            return refused
        if kind == "MEMBER" and self._last_owner(who):
            return "CANNOT_REMOVE_LAST_OWNER"
        member = self.people[who]
        member.version += member.kind != kind
        member.kind = kind
        return 200

    def add(self, actor: int, who: int, branches: list[int]) -> str | int:
        refused = self._outside(actor) or self._untouchable(actor, who) or self._bad(branches, empty="BRANCH_REQUIRED")
        if refused:
            return refused
        return self._now_at(who, self.people[who].branches | set(branches))

    def replace(self, actor: int, who: int, branches: list[int]) -> str | int:
        refused = self._outside(actor) or self._untouchable(actor, who)
        refused = refused or self._bad([b for b in branches if b not in self.people[who].branches])
        return refused or self._now_at(who, set(branches))

    def remove(self, actor: int, who: int, branch: int) -> str | int:
        refused = self._outside(actor) or self._untouchable(actor, who)
        return refused or self._now_at(who, self.people[who].branches - {branch})

    def revoke(self, actor: int, who: int) -> str | int:
        refused = self._outside(actor) or self._untouchable(actor, who)
        if not refused and self._last_owner(who):
            refused = "CANNOT_REMOVE_LAST_OWNER"
        return refused or self._end(who, 200)

    def leave(self, who: int) -> str | int:
        member = self.people.get(who)
        if member is None or not member.active:
            return "NOT_FOUND"
        return "CANNOT_REMOVE_LAST_OWNER" if self._last_owner(who) else self._end(who, 204)

    def turn(self, actor: int, branch: int, *, frozen: bool) -> str | int:
        refused = self._outside(actor)
        if refused:
            return refused
        self.frozen[branch] = frozen
        return 200

    def _end(self, who: int, status: int) -> int:
        member = self.people[who]
        member.version += 1 + len(member.branches) + (member.kind == "OWNER")
        member.active, member.kind, member.branches = False, "MEMBER", set()
        return status

    def _now_at(self, who: int, branches: set[int]) -> int:
        member = self.people[who]
        member.version += len(member.branches ^ branches)
        member.branches = branches
        return 200

    def _outside(self, actor: int, may: set[str] = ADMINISTER) -> str:
        member = self.people.get(actor)
        if member is None or not member.active:
            return "NOT_FOUND"
        return "" if {member.kind, member.role if "ADMIN" in may else ""} & may else "PERMISSION_DENIED"

    def _untouchable(self, actor: int, who: int) -> str:
        member = self.people.get(who)
        if member is None:
            return "NOT_FOUND"
        if not member.active:
            return "MEMBER_REVOKED"
        return self._above(member.level, actor)

    def _above(self, level: int, actor: int) -> str:
        return "ROLE_CEILING_EXCEEDED" if level > self.people[actor].level else ""

    def _bad(self, branches: list[int], empty: str = "") -> str:
        if not branches:
            return empty
        return "BRANCH_NOT_ACTIVE" if any(self.frozen[b] for b in branches) else ""

    def _last_owner(self, who: int) -> bool:
        return [n for n, member in self.people.items() if member.active and member.kind == "OWNER"] == [who]

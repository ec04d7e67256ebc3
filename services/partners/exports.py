"""Exports of the partners service: its messages in the shared handlers."""

from contracts.export_messages import PARTNERS
from contracts.message import Command
from services.chassis.commands import Handler
from services.exports.handlers import handlers

HANDLERS: dict[type[Command], Handler] = handlers(PARTNERS)

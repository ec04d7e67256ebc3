"""Exports of the staffing service: its messages in the shared handlers."""

from contracts.export_messages import STAFFING
from contracts.message import Command
from services.chassis.commands import Handler
from services.exports.handlers import handlers

HANDLERS: dict[type[Command], Handler] = handlers(STAFFING)

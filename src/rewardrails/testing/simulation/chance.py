"""Chance that a seed owns: not the engine's, which comes through `rewardrails.ids` like everything it draws."""

from random import Random as Chance  # noqa: TID251 - the one place that draws for the world around the engine

__all__ = ["Chance"]

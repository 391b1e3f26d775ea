"""The reference page names every key there is, with its default, and no other."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rewardrails.config import file as written
from rewardrails.config.file_sign_in import OidcTable, TelegramTable
from rewardrails.domain.destination import PARSERS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
TABLES: dict[str, type[BaseModel]] = {
    "`[database]`": written.DatabaseTable,
    "`[server]`": written.ServerTable,
    "`[worker]`": written.WorkerTable,
    "`[security]`": written.SecurityTable,
    "`[audit]`": written.AuditTable,
    "`[breaker]`": written.BreakerTable,
    "`[retry]`": written.RetryTable,
    "`[logging]`": written.LoggingTable,
    "`[assets.CODE]`": written.AssetTable,
    "`[destination_kinds.NAME]`": written.KindTable,
    "`[destination_kinds.NAME.rules]`": written.DestinationRuleTable,
    "`[pools.NAME]`": written.PoolTable,
    "`[campaigns.NAME]`": written.CampaignTable,
    "`[providers.NAME]`": written.ProviderTable,
    "`[providers.NAME.fees]`": written.FeeTable,
    "`[providers.NAME.floats.ASSET]`": written.FloatTable,
    "`[providers.NAME.reconcile]`": written.ReconcileTable,
    "`[[routes]]`": written.RouteTable,
    "`[[limits]]`": written.LimitTable,
    "`[[approvals]]`": written.ApprovalRuleTable,
    "`[reference]`": written.ReferenceTable,
    "`[screening]`": written.ScreeningTable,
    "`[screeners.NAME]`": written.ScreenerTable,
    "`[ownership]`": written.OwnershipTable,
    "`[risk]`": written.RiskTable,
    "`[holds]`": written.HoldsTable,
    "`[sign_in]`": written.SignInTable,
    "`[sign_in.oidc.NAME]`": OidcTable,
    "`[sign_in.telegram]`": TelegramTable,
    "`[events]`": written.EventsTable,
    "`[[events.endpoints]]`": written.EndpointTable,
}


def rows_under(heading: str) -> dict[str, str]:
    """Keys and defaults of the table under a heading."""
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", section, re.MULTILINE))


def default_of(field: FieldInfo) -> str | None:
    """How a default is written on the page; None where the page says it in words."""
    if field.is_required():
        return "required"
    if isinstance(field.default, bool | int | float):
        return f"`{json.dumps(field.default)}`"
    return f"`{field.default}`" if isinstance(field.default, str) and field.default else None


@pytest.mark.parametrize("heading", TABLES)
def test_page_names_every_key_with_its_default(heading: str) -> None:
    rows, fields = rows_under(heading), TABLES[heading].model_fields

    assert rows.keys() == fields.keys()
    for key, field in fields.items():
        expected = default_of(field)
        if expected is None:
            assert rows[key] != "required"
        else:
            assert rows[key] == expected, key


def test_page_names_every_table_and_the_keys_above_them() -> None:
    fields = written.File.model_fields
    plain = rows_under("The top of the file").keys()
    tables = {re.sub(r"[\[\]`]", "", heading).split(".")[0] for heading in TABLES}
    assert plain | tables == fields.keys()


def test_page_names_every_parser() -> None:
    assert all(f"`{parser}`" in PAGE for parser in PARSERS)

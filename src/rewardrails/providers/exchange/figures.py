"""The exchanges that may be used, and what is known of each; another one is a row here and its trial by the contract.

Codes and their words: the exchanges' own lists of errors, under `errors` in each row's sources. A code that speaks of a
time-out, of a busy or broken system, or of a request seen before is in no list here: nobody knows what came of it.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from rewardrails.domain.observation import ObservedStatus
from rewardrails.domain.outcome import RejectionScope
from rewardrails.errors import ErrorCode
from rewardrails.providers.exchange.row import Access, Exchange, History, Refusal, Withdrawing

_EMPTY = Refusal(code=ErrorCode.INSUFFICIENT_PROVIDER_FUNDS, retryable=True, scope=RejectionScope.PROVIDER)
_SUSPENDED = Refusal(code=ErrorCode.WITHDRAWALS_SUSPENDED, retryable=True, scope=RejectionScope.PROVIDER)
_NO_ENTRY = Refusal(code=ErrorCode.PROVIDER_AUTH_FAILED, retryable=True, scope=RejectionScope.PROVIDER)
_ELSEWHERE = Refusal(code=ErrorCode.PROVIDER_IP_NOT_ALLOWED, retryable=True, scope=RejectionScope.PROVIDER)
_TOO_FAST = Refusal(code=ErrorCode.PROVIDER_RATE_LIMITED, retryable=True, scope=RejectionScope.PROVIDER)
_USED_UP = Refusal(code=ErrorCode.PROVIDER_REJECTED, retryable=True, scope=RejectionScope.PROVIDER)
_NOT_LISTED = Refusal(code=ErrorCode.DESTINATION_NOT_IN_ADDRESS_BOOK)
_BAD_ADDRESS = Refusal(code=ErrorCode.DESTINATION_INVALID)
_NO_SUCH_COIN = Refusal(code=ErrorCode.ASSET_UNSUPPORTED)
_BAD_AMOUNT = Refusal(code=ErrorCode.AMOUNT_INVALID)
_TOO_LITTLE = Refusal(code=ErrorCode.AMOUNT_BELOW_MINIMUM)
_TOO_MUCH = Refusal(code=ErrorCode.AMOUNT_ABOVE_MAXIMUM)
_REFUSED = Refusal(code=ErrorCode.PROVIDER_REJECTED)

_BINANCE = Exchange(
    title="Binance",
    address="https://api.binance.com",
    withdrawing=Withdrawing(
        path="/sapi/v1/capital/withdraw/apply",
        is_form=True,
        coin="coin",
        chain="network",
        network="network",
        address="address",
        tag="addressTag",
        amount="amount",
        client_id="withdrawOrderId",
        name=("id",),
        fixed={"walletType": "0"},
        given={"walletType": "0"},
        proof=frozenset({"timestamp", "recvWindow", "signature"}),
        fee_inside=True,
    ),
    lists={"fetch_withdrawals": (), "fetch_currencies": (), "fetch_balance": ("balances",)},
    history=History(
        by_id="idList",
        by_client_id="withdrawOrderId",
        client_id="withdrawOrderId",
        status="status",
        since="startTime",
        until="endTime",
        window=timedelta(days=89),
        window_by_client_id=timedelta(days=6, hours=23),
        page=1000,
    ),
    access=Access(
        ask="sapiGetAccountApiRestrictions",
        may_withdraw=("enableWithdrawals",),
        withdraw_word="",
        addresses=("ipRestrict",),
    ),
    chain_of_coin="network",
    most_body_bytes=16 * 1024 * 1024,
    code="code",
    message="msg",
    success=frozenset(),
    statuses=MappingProxyType(
        {
            "0": ObservedStatus.PENDING,
            "1": ObservedStatus.CANCELED,
            "2": ObservedStatus.PENDING,
            "3": ObservedStatus.FAILED,
            "4": ObservedStatus.PENDING,
            "5": ObservedStatus.FAILED,
            "6": ObservedStatus.PAID,
        }
    ),
    refusals=MappingProxyType(
        {
            "-1002": _NO_ENTRY,
            "-1003": _TOO_FAST,
            "-1021": _NO_ENTRY,
            "-1022": _NO_ENTRY,
            "-1102": _REFUSED,
            "-2014": _NO_ENTRY,
            "-2015": _NO_ENTRY,
            "-4005": _TOO_FAST,
            "-4006": _NO_ENTRY,
            "-4007": _BAD_ADDRESS,
            "-4008": _BAD_ADDRESS,
            "-4012": _NOT_LISTED,
            "-4013": _NO_ENTRY,
            "-4014": _SUSPENDED,
            "-4015": _SUSPENDED,
            "-4016": _SUSPENDED,
            "-4017": _SUSPENDED,
            "-4018": _NO_SUCH_COIN,
            "-4019": _SUSPENDED,
            "-4021": _BAD_AMOUNT,
            "-4022": _TOO_LITTLE,
            "-4023": _USED_UP,
            "-4024": _EMPTY,
            "-4025": _EMPTY,
            "-4026": _EMPTY,
            "-4028": _TOO_LITTLE,
            "-4033": _BAD_ADDRESS,
            "-4034": _BAD_ADDRESS,
            "-4035": _NOT_LISTED,
            "-4036": _NOT_LISTED,
            "-4044": _NO_ENTRY,
            "-4046": _NO_ENTRY,
            "-4060": _EMPTY,
            "-4106": _BAD_ADDRESS,
        }
    ),
    options={"fetchCurrencies": True, "fetchMargins": False},
    rate_per_second=5.0,
    sources={
        "withdraw": "https://developers.binance.com/docs/wallet/capital/withdraw",
        "history": "https://developers.binance.com/docs/wallet/capital/withdraw-history",
        "coins": "https://developers.binance.com/docs/wallet/capital/all-coins-info",
        "errors": "https://developers.binance.com/docs/wallet/error-code",
        "rate": "https://developers.binance.com/docs/wallet/capital/withdraw-history",
    },
)

_OKX = Exchange(
    title="OKX",
    address="https://www.okx.com",
    wants_passphrase=True,
    withdrawing=Withdrawing(
        path="/api/v5/asset/withdrawal",
        coin="ccy",
        chain="chain",
        network="chain",
        address="toAddr",
        tag=None,
        amount="amt",
        client_id="clientId",
        name=("data", "wdId"),
        fixed={"dest": "4"},
    ),
    lists={"fetch_withdrawals": ("data",), "fetch_currencies": ("data",), "fetch_balance": ("data",)},
    history=History(
        by_id="wdId",
        by_client_id="clientId",
        client_id="clientId",
        status="state",
        since="before",
        until="after",
        bounds_are_exclusive=True,
        window=timedelta(days=90),
        page=100,
    ),
    access=Access(
        ask="privateGetAccountConfig", may_withdraw=("data", "perm"), withdraw_word="withdraw", addresses=("data", "ip")
    ),
    balance={"type": "funding"},
    chain_of_coin="chain",
    percentage_fee="burningFeeRate",
    coins_by="ccy",
    code="code",
    message="msg",
    success=frozenset({"0"}),
    statuses=MappingProxyType(
        {
            "-3": ObservedStatus.PENDING,
            "-2": ObservedStatus.CANCELED,
            "-1": ObservedStatus.FAILED,
            "0": ObservedStatus.PENDING,
            "1": ObservedStatus.PENDING,
            "2": ObservedStatus.PAID,
            "4": ObservedStatus.PENDING,
            "5": ObservedStatus.PENDING,
            "6": ObservedStatus.PENDING,
            "7": ObservedStatus.PENDING,
            "8": ObservedStatus.PENDING,
            "9": ObservedStatus.PENDING,
            "10": ObservedStatus.PENDING,
            "12": ObservedStatus.PENDING,
            "15": ObservedStatus.PENDING,
            "16": ObservedStatus.PENDING,
            "17": ObservedStatus.PENDING,
        }
    ),
    refusals=MappingProxyType(
        {
            "50002": _REFUSED,
            "50006": _REFUSED,
            "50007": _NO_ENTRY,
            "50008": _NO_ENTRY,
            "50011": _TOO_FAST,
            "50014": _REFUSED,
            "50100": _NO_ENTRY,
            "50101": _NO_ENTRY,
            "50102": _NO_ENTRY,
            "50103": _NO_ENTRY,
            "50104": _NO_ENTRY,
            "50105": _NO_ENTRY,
            "50106": _NO_ENTRY,
            "50107": _NO_ENTRY,
            "50110": _ELSEWHERE,
            "50111": _NO_ENTRY,
            "50112": _NO_ENTRY,
            "50113": _NO_ENTRY,
            "50114": _NO_ENTRY,
            "50120": _NO_ENTRY,
            "58004": _SUSPENDED,
            "58200": _NO_SUCH_COIN,
            "58201": _USED_UP,
            "58202": _BAD_AMOUNT,
            "58203": _NOT_LISTED,
            "58204": _SUSPENDED,
            "58205": _TOO_MUCH,
            "58206": _TOO_LITTLE,
            "58207": _NOT_LISTED,
            "58208": _NO_ENTRY,
            "58209": _NO_ENTRY,
            "58213": _NO_ENTRY,
            "58221": _BAD_ADDRESS,
            "58222": _BAD_ADDRESS,
            "58224": Refusal(code=ErrorCode.DESTINATION_UNSUPPORTED),
            "58229": _EMPTY,
            "58350": _EMPTY,
        }
    ),
    rate_per_second=6.0,
    sources={
        "withdraw": "https://www.okx.com/docs-v5/en/#funding-account-rest-api-withdrawal",
        "history": "https://www.okx.com/docs-v5/en/#funding-account-rest-api-get-withdrawal-history",
        "coins": "https://www.okx.com/docs-v5/en/#funding-account-rest-api-get-currencies",
        "errors": "https://www.okx.com/docs-v5/en/#error-code-rest-api",
        "rate": "https://www.okx.com/docs-v5/en/#funding-account-rest-api-withdrawal",
    },
)

_BYBIT = Exchange(
    title="Bybit",
    address="https://api.bybit.com",
    sandbox="https://api-testnet.bybit.com",
    withdrawing=Withdrawing(
        path="/v5/asset/withdraw/create",
        coin="coin",
        chain="chain",
        network="chain",
        address="address",
        tag="tag",
        amount="amount",
        client_id="requestId",
        name=("result", "id"),
        fixed={"accountType": "FUND", "forceChain": "1", "feeType": "0"},
        given={"accountType": "FUND", "forceChain": 1, "feeType": 0},
        proof=frozenset({"timestamp"}),
    ),
    lists={
        "fetch_withdrawals": ("result", "rows"),
        "fetch_currencies": ("result", "rows"),
        "fetch_balance": ("result", "balance"),
    },
    history=History(
        by_id="withdrawID",
        status="status",
        since="startTime",
        until="endTime",
        window=timedelta(days=29),
        page=50,
        more={"withdrawType": 2},
    ),
    access=Access(
        ask="privateGetV5UserQueryApi",
        may_withdraw=("result", "permissions", "Wallet"),
        withdraw_word="Withdraw",
        addresses=("result", "ips"),
    ),
    balance={"type": "fund"},
    chain_of_coin="chain",
    percentage_fee="withdrawPercentageFee",
    coins_by="coin",
    code="retCode",
    message="retMsg",
    success=frozenset({"0"}),
    statuses=MappingProxyType(
        {
            "SecurityCheck": ObservedStatus.PENDING,
            "Pending": ObservedStatus.PENDING,
            "MoreInformationRequired": ObservedStatus.PENDING,
            "BlockchainConfirmed": ObservedStatus.PAID,
            "success": ObservedStatus.PAID,
            "CancelByUser": ObservedStatus.CANCELED,
            "Reject": ObservedStatus.FAILED,
            "Fail": ObservedStatus.FAILED,
        }
    ),
    refusals=MappingProxyType(
        {
            "10001": _REFUSED,
            "10002": _NO_ENTRY,
            "10003": _NO_ENTRY,
            "10004": _NO_ENTRY,
            "10005": _NO_ENTRY,
            "10006": _TOO_FAST,
            "10007": _NO_ENTRY,
            "10008": _NO_ENTRY,
            "10009": _ELSEWHERE,
            "10010": _ELSEWHERE,
            "10018": _TOO_FAST,
            "10024": _SUSPENDED,
            "131001": _EMPTY,
            "131002": _REFUSED,
            "131004": _NO_ENTRY,
            "131084": _SUSPENDED,
            "131085": _EMPTY,
            "131086": _USED_UP,
            "131088": _USED_UP,
            "131089": _SUSPENDED,
            "131090": _SUSPENDED,
            "131091": _SUSPENDED,
            "131092": _SUSPENDED,
            "131093": _NOT_LISTED,
            "131094": _NOT_LISTED,
            "131095": _USED_UP,
            "131096": _BAD_AMOUNT,
            "131097": _SUSPENDED,
            "131098": _NOT_LISTED,
        }
    ),
    options={"enableUnifiedMargin": False, "enableUnifiedAccount": True},
    rate_per_second=0.1,
    sources={
        "withdraw": "https://bybit-exchange.github.io/docs/v5/asset/withdraw",
        "history": "https://bybit-exchange.github.io/docs/v5/asset/withdraw/withdraw-record",
        "coins": "https://bybit-exchange.github.io/docs/v5/asset/coin-info",
        "errors": "https://bybit-exchange.github.io/docs/v5/error",
        "rate": "https://bybit-exchange.github.io/docs/v5/asset/withdraw",
    },
)

EXCHANGES: Mapping[str, Exchange] = MappingProxyType({"binance": _BINANCE, "okx": _OKX, "bybit": _BYBIT})
"""By ccxt's name."""

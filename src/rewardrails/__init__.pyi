from rewardrails.config import Config as Config
from rewardrails.domain.money import Money as Money
from rewardrails.domain.payout import PayoutState as PayoutState
from rewardrails.domain.posting import FundingSource as FundingSource
from rewardrails.errors import ErrorCode as ErrorCode
from rewardrails.errors import RewardRailsError as RewardRailsError
from rewardrails.facade import Reward as Reward
from rewardrails.facade import RewardRails as RewardRails
from rewardrails.providers.base import RewardPayoutProvider as RewardPayoutProvider
from rewardrails.providers.capabilities import Capabilities as Capabilities

__version__: str

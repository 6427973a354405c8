"""The operator's configuration: models, file, directories."""

from relaytui.config.file import load_config, save_config, write_atomically
from relaytui.config.models import (
    LOCAL,
    ChannelConfig,
    ChannelKind,
    Clipboard,
    Config,
    ConfigError,
    JobsConfig,
    NodeConfig,
    Order,
    Resolver,
    RestartRule,
    Transport,
    UiConfig,
    Upgrade,
    default_operator,
)
from relaytui.config.paths import cache_dir, config_dir, config_file, state_dir

__all__ = [
    "LOCAL",
    "ChannelConfig",
    "ChannelKind",
    "Clipboard",
    "Config",
    "ConfigError",
    "JobsConfig",
    "NodeConfig",
    "Order",
    "Resolver",
    "RestartRule",
    "Transport",
    "UiConfig",
    "Upgrade",
    "cache_dir",
    "config_dir",
    "config_file",
    "default_operator",
    "load_config",
    "save_config",
    "state_dir",
    "write_atomically",
]

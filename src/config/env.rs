//! The environment, read once.

use std::fmt;
use std::path::{Path, PathBuf};

/// The variables that Troupe knows. An empty variable counts as unset.
#[derive(Clone, Default)]
pub struct Env {
    pub livekit_url: Option<String>,
    pub livekit_api_key: Option<String>,
    pub livekit_api_secret: Option<String>,
    /// `LIVEKIT_SERVER_BIN`: the server to start when none is given.
    pub livekit_server_bin: Option<PathBuf>,
    /// Where the models are, by [`crate::models::default_root`].
    pub models_root: Option<PathBuf>,
    /// `TROUPE_TOKEN`: asked of the pages' visitors.
    pub page_token: Option<String>,
    /// `OPENAI_API_KEY`: the language server's.
    pub openai_api_key: Option<String>,
    /// `TROUPE_PROBE_FILE` and `TROUPE_PROBE_CLASSES`, see [`mod@crate::probe`].
    pub probe_file: Option<PathBuf>,
    pub probe_classes: Option<String>,
    /// OpenTelemetry's own variables.
    pub otlp_endpoint: Option<String>,
    pub otlp_headers: Option<String>,
    pub otel_service_name: Option<String>,
    pub xdg_data_home: Option<PathBuf>,
    pub home: Option<PathBuf>,
    pub path: Option<std::ffi::OsString>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("livekit_url", &self.livekit_url).finish_non_exhaustive()
    }
}

impl Env {
    pub fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let path = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self {
            livekit_url: text("LIVEKIT_URL"),
            livekit_api_key: text("LIVEKIT_API_KEY"),
            livekit_api_secret: text("LIVEKIT_API_SECRET"),
            livekit_server_bin: path("LIVEKIT_SERVER_BIN"),
            models_root: crate::models::default_root(text).ok(),
            page_token: text("TROUPE_TOKEN"),
            openai_api_key: text("OPENAI_API_KEY"),
            probe_file: path("TROUPE_PROBE_FILE"),
            probe_classes: text("TROUPE_PROBE_CLASSES"),
            otlp_endpoint: text("OTEL_EXPORTER_OTLP_ENDPOINT"),
            otlp_headers: text("OTEL_EXPORTER_OTLP_HEADERS"),
            otel_service_name: text("OTEL_SERVICE_NAME"),
            xdg_data_home: path("XDG_DATA_HOME"),
            home: path("HOME"),
            path: std::env::var_os("PATH"),
        }
    }

    /// Where Troupe keeps what it installs: `$XDG_DATA_HOME/troupe` or `~/.local/share/troupe`.
    pub fn data_root(&self) -> Option<PathBuf> {
        let share = match (&self.xdg_data_home, &self.home) {
            (Some(xdg), _) => xdg.clone(),
            (None, Some(home)) => home.join(".local/share"),
            (None, None) => return None,
        };
        Some(share.join("troupe"))
    }

    /// The LiveKit server's binary: the variable, the PATH, or what `scripts/setup` installed.
    pub fn livekit_server(&self) -> Option<PathBuf> {
        if let Some(binary) = &self.livekit_server_bin {
            return Some(binary.clone());
        }
        let folders = self.path.iter().flat_map(std::env::split_paths);
        let own = self.data_root().map(|root| root.join("bin"));
        folders.chain(own).map(|folder| folder.join("livekit-server")).find(|path| is_file(path))
    }
}

fn is_file(path: &Path) -> bool {
    path.is_file()
}

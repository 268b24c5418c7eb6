//! `log`: messages of the plugin's own.

use crate::plugin::{
    bindings::stackrun::plugin::log::{Host, Level},
    call::Call,
    convert::words,
};

impl Host for Call {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let counted = self.meter.log(message.len());
        self.or_fail(counted)?;
        // It can't know a secret, unless somebody has written one where no secret belongs.
        let message = match &self.outside {
            Some(outside) => outside.world.vault.redact(&message),
            None => message,
        };
        let message = words::line(&message);
        let plugin = &*self.plugin;
        let instance = self.instance.as_ref().map(tracing::field::display);
        match level {
            Level::Debug => tracing::debug!(plugin, instance, "{message}"),
            Level::Info => tracing::info!(plugin, instance, "{message}"),
            Level::Warn => tracing::warn!(plugin, instance, "{message}"),
        }
        self.said = Some(message);
        Ok(())
    }
}

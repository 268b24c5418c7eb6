//! What a panic says reaches the person: WebAssembly alone would end with `unreachable`.

use std::{marker::PhantomData, panic};

use crate::{
    guest::{Description, Guest, Offered, Planned},
    log::{self, Level},
    types::{Diagnostic, Instance},
};

/// A plugin whose panics are logged. `export!` wraps every plugin in it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Spoken<T>(PhantomData<T>);

impl<T: Guest> Guest for Spoken<T> {
    fn describe() -> Description {
        speak();
        T::describe()
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        speak();
        T::check(instance)
    }

    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        speak();
        T::outputs(instance)
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        speak();
        T::plan(instance)
    }
}

/// Each call runs in a fresh copy of the plugin, so each installs the hook. The host puts the last message of a plugin
/// that stopped into its error; at this level it is not printed a second time.
fn speak() {
    panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("a panic without words");
        let message = match panic.location() {
            Some(place) => format!("{said} ({}:{})", place.file(), place.line()),
            None => said.to_owned(),
        };
        log::log(Level::Debug, &message);
    }));
}

/// Makes a component's entry points of a type that is a [`Guest`]: once in a plugin, at its end.
#[macro_export]
macro_rules! export {
    ($plugin:ident) => {
        type Exported = $crate::Spoken<$plugin>;
        $crate::export_world!(Exported with_types_in $crate);
    };
}

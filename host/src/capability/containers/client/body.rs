//! What an engine is told when a container is created.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Engine, Inspect, seen};
use crate::model::desired::{Definition, RestartPolicy};

/// The body of `POST /containers/create`. It may hold secrets: it goes to the engine, or encrypted into the journal.
#[derive(Clone, Serialize, Deserialize)]
pub struct CreateBody(Value);

impl CreateBody {
    /// From a definition; `env` is its environment with secrets filled in, `labels` are added to its own.
    pub(crate) fn new(
        definition: &Definition,
        env: &[(String, Zeroizing<String>)],
        labels: &[(&str, &str)],
        engine: &Engine,
    ) -> Self {
        let env: Vec<String> = env.iter().map(|(key, value)| format!("{key}={}", value.as_str())).collect();
        let mut all_labels: BTreeMap<&str, &str> =
            definition.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        all_labels.extend(labels.iter().copied());
        let mut bindings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for port in &definition.ports {
            let address = port.host_address.clone().unwrap_or_else(|| engine.publish().to_string());
            bindings
                .entry(format!("{}/tcp", port.container))
                .or_default()
                .push(json!({ "HostIp": address, "HostPort": port.host.to_string() }));
        }
        let exposed: Map<String, Value> = bindings.keys().map(|port| (port.clone(), json!({}))).collect();
        // Binds as `SOURCE:TARGET` strings would split at a colon in a path.
        let mounts: Vec<Value> = definition
            .mounts
            .iter()
            .map(|mount| {
                json!({
                    "Type": "bind", "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only,
                })
            })
            .collect();
        let extra_hosts: Vec<String> =
            definition.extra_hosts.iter().map(|host| format!("{}:{}", host.name, host.address)).collect();
        let host_config = json!({
            "Mounts": mounts,
            "PortBindings": bindings,
            "RestartPolicy": { "Name": restart(definition.restart) },
            "CapAdd": definition.add_capabilities,
            "CapDrop": definition.drop_capabilities,
            "ExtraHosts": extra_hosts,
            "ReadonlyRootfs": definition.read_only_root,
            "Memory": definition.memory.unwrap_or(0),
            "NetworkMode": definition.network.as_deref().unwrap_or("bridge"),
        });
        let mut body = json!({
            "Image": definition.image_reference(),
            "Env": env,
            "Labels": all_labels,
            "ExposedPorts": exposed,
            "HostConfig": host_config,
        });
        let optional = [
            ("Cmd", definition.command.as_ref().map(|command| json!(command))),
            ("Entrypoint", definition.entrypoint.as_ref().map(|entrypoint| json!(entrypoint))),
            ("User", definition.user.as_ref().map(|user| json!(user))),
        ];
        if let Value::Object(fields) = &mut body {
            fields.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        }
        Self(body)
    }

    /// A container as it was found, to be made again.
    pub(crate) fn of(container: &Inspect) -> Self {
        let (config, host) = (&container.config, &container.host_config);
        let bindings: BTreeMap<&String, Vec<Value>> = host
            .port_bindings
            .iter()
            .map(|(port, bindings)| {
                let bindings = bindings.iter().flatten();
                (port, bindings.map(|at| json!({ "HostIp": at.host_ip, "HostPort": at.host_port })).collect())
            })
            .collect();
        let mounts: Vec<Value> = container
            .mounts
            .iter()
            .map(|mount| {
                json!({
                    "Type": mount.kind,
                    "Source": if mount.kind == "volume" { &mount.name } else { &mount.source },
                    "Target": mount.destination,
                    "ReadOnly": !mount.writable,
                })
            })
            .collect();
        let network = container.network_settings.networks.keys().next().unwrap_or(&host.network_mode);
        // The id, not the name: the name may stand for another image by now.
        Self(json!({
            "Image": container.image,
            "Env": seen::own_env(&config.env, &container.id).collect::<Vec<_>>(),
            "Cmd": config.cmd,
            "Entrypoint": config.entrypoint,
            "User": config.user,
            "Labels": config.labels,
            "ExposedPorts": bindings.keys().map(|port| ((*port).clone(), json!({}))).collect::<Map<_, _>>(),
            "HostConfig": {
                "Mounts": mounts,
                "PortBindings": bindings,
                "RestartPolicy": { "Name": host.restart_policy.name },
                "CapAdd": host.cap_add,
                "CapDrop": host.cap_drop,
                "ExtraHosts": host.extra_hosts,
                "ReadonlyRootfs": host.readonly_rootfs,
                "Memory": host.memory,
                "NetworkMode": network,
            },
        }))
    }

    pub(crate) fn to_json(&self) -> Bytes {
        Bytes::from(self.0.to_string())
    }
}

/// As the API spells it.
pub(crate) fn restart(policy: RestartPolicy) -> &'static str {
    match policy {
        RestartPolicy::No => "no",
        RestartPolicy::OnFailure => "on-failure",
        RestartPolicy::UnlessStopped => "unless-stopped",
        RestartPolicy::Always => "always",
    }
}

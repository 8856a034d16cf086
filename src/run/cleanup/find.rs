//! Finding our clients in a list of the server's, whatever its shape.

use serde_json::Value;

/// The identifiers of the clients that carry this software_id: members `client_id`, else `id`, of any object in it.
pub fn marked(list: &Value, software_id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![list];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(map) => {
                let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
                if text("software_id") == Some(software_id)
                    && let Some(id) = text("client_id").or_else(|| text("id"))
                    && !found.iter().any(|f| f == id)
                {
                    found.push(id.to_owned());
                }
                open.extend(map.values());
            }
            _ => {}
        }
    }
    found
}

//! A value that a JSON Schema allows: small, harmless, and the same every time.
//!
//! Knows what tools use: types, required properties, enumerations, constants, bounds, lengths, formats, unions and
//! references within the schema. Depth and size are bounded; where a schema asks for what it does not know (a pattern), the
//! value may not be valid.

use serde_json::{Map, Value, json};

/// How deep objects and lists are filled.
const DEPTH: u32 = 6;
/// Properties and items of one value.
const WIDTH: usize = 30;
/// The longest text that is made for a minimal length.
const TEXT: u64 = 1000;

/// An object for this schema of a tool's arguments.
pub fn value(schema: &Value) -> Value {
    match make("", schema, schema, 0) {
        Value::Object(object) => Value::Object(object),
        _ => Value::Object(Map::new()),
    }
}

fn make(name: &str, schema: &Value, root: &Value, depth: u32) -> Value {
    if depth > DEPTH {
        return Value::Null;
    }
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key) {
            return value.clone();
        }
    }
    for key in ["enum", "examples"] {
        if let Some(value) = schema.get(key).and_then(Value::as_array).and_then(|values| values.first()) {
            return value.clone();
        }
    }
    if let Some(path) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#')) {
        return root.pointer(path).map_or(Value::Null, |target| make(name, target, root, depth + 1));
    }
    for key in ["anyOf", "oneOf"] {
        let choices = schema.get(key).and_then(Value::as_array);
        let choice = choices.and_then(|all| all.iter().find(|one| one.get("type") != Some(&json!("null"))));
        if let Some(choice) = choice {
            return make(name, choice, root, depth + 1);
        }
    }
    if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in all.iter().take(WIDTH) {
            match make(name, part, root, depth + 1) {
                Value::Object(object) => whole.extend(object),
                other if all.len() == 1 => return other,
                _ => {}
            }
        }
        return Value::Object(whole);
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() || depth == 0 => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    };
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    match kind {
        "object" => object(schema, root, depth),
        "array" => {
            let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, WIDTH as u64);
            let item = schema.get("items").map_or(json!("sample"), |items| make(name, items, root, depth + 1));
            Value::Array(vec![item; count as usize])
        }
        "integer" | "number" => {
            let low = number("minimum").or_else(|| number("exclusiveMinimum").map(|low| low + 1.0));
            let high = number("maximum").or_else(|| number("exclusiveMaximum").map(|high| high - 1.0));
            let step = number("multipleOf").filter(|step| *step > 0.0);
            let wish = step.unwrap_or(1.0).max(low.unwrap_or(f64::MIN)).min(high.unwrap_or(f64::MAX));
            if kind == "integer" || wish.fract() == 0.0 { json!(wish as i64) } else { json!(wish) }
        }
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => Value::String(text(name, schema)),
    }
}

fn object(schema: &Value, root: &Value, depth: u32) -> Value {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut out = Map::new();
    for (key, inner) in properties.into_iter().flatten().take(WIDTH) {
        // What is optional is given near the top, where it leads to more code, and left out deep down.
        if required.contains(&key.as_str()) || depth < 2 {
            out.insert(key.clone(), make(key, inner, root, depth + 1));
        }
    }
    for key in required.iter().take(WIDTH) {
        out.entry(*key).or_insert_with(|| json!("sample"));
    }
    Value::Object(out)
}

fn text(name: &str, schema: &Value) -> String {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    let mut text = match format {
        "date-time" => "2026-01-02T03:04:05Z",
        "date" => "2026-01-02",
        "time" => "03:04:05Z",
        "email" => "someone@example.org",
        "hostname" => "example.org",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" => "https://example.org/",
        "uuid" => "123e4567-e89b-42d3-a456-426614174000",
        _ if has("url") || has("uri") || has("link") => "https://example.org/",
        _ if has("email") => "someone@example.org",
        _ if has("path") || has("file") => "/tmp/sample.txt",
        _ if has("date") => "2026-01-02",
        _ if has("host") || has("domain") => "example.org",
        _ if has("lang") => "en",
        _ if has("city") || has("location") => "Berlin",
        _ if has("command") => "echo hello",
        _ => "sample",
    }
    .to_owned();
    let length = |key: &str| schema.get(key).and_then(Value::as_u64);
    while (text.len() as u64) < length("minLength").unwrap_or(0).min(TEXT) {
        text.push('a');
    }
    if let Some(most) = length("maxLength") {
        text.truncate(most.min(TEXT) as usize);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: Value, expect: Value) {
        assert_eq!(value(&schema), expect, "{schema}");
    }

    #[test]
    fn values_are_what_schemas_allow() {
        check(json!(null), json!({}));
        check(json!({ "type": "object" }), json!({}));
        check(
            json!({ "type": "object", "required": ["a", "b", "url"], "properties": {
                "a": { "type": "integer", "minimum": 5, "maximum": 9 },
                "b": { "type": "array", "items": { "enum": ["x", "y"] }, "minItems": 2 },
                "url": { "type": "string" },
                "n": { "type": ["null", "number"], "exclusiveMaximum": 0 },
                "f": { "type": "boolean" },
                "s": { "type": "string", "minLength": 8 },
                "c": { "$ref": "#/$defs/color" },
                "o": { "anyOf": [{ "type": "null" }, { "type": "string", "format": "date" }] },
            }, "$defs": { "color": { "const": "red" } } }),
            json!({ "a": 5, "b": ["x", "x"], "url": "https://example.org/", "n": -1, "f": true, "s": "sampleaa",
                "c": "red", "o": "2026-01-02" }),
        );
        // A required property without a schema.
        check(json!({ "required": ["x"] }), json!({ "x": "sample" }));
    }

    #[test]
    fn hostile_schemas_end() {
        value(&json!({ "properties": { "a": { "$ref": "#" }, "b": { "$ref": "#" }, "c": { "$ref": "#/x" } } }));
        value(&json!({ "properties": { "a": { "type": "string", "minLength": 1u64 << 60 } } }));
        value(&json!({ "properties": { "a": { "type": "array", "minItems": 1u64 << 60 } } }));
        value(&json!({ "properties": 3, "required": "x", "type": 7, "enum": {}, "anyOf": [] }));
        let many: Map<String, Value> = (0..1000).map(|n| (n.to_string(), json!({ "$ref": "#" }))).collect();
        let made = value(&json!({ "properties": many, "required": ["1", "2"] }));
        assert!(made.to_string().len() < 1 << 20);
    }
}

//! Calls of Python: what is called, with what, and who is given a function to call.

use ruff_python_ast::{self as ast, Expr};

use super::Walker;
use crate::facts::{Argument, Constant, Items, Place, Taint, Value, takes_in};

impl<'a> Walker<'_, 'a> {
    pub(super) fn call(&mut self, call: &'a ast::ExprCall) -> Value<'a> {
        let place = self.place(call);
        let receiver = match &*call.func {
            Expr::Attribute(attribute) => Some((self.eval(&attribute.value), attribute.attr.as_str())),
            _ => None,
        };
        let callee = if receiver.is_none() { self.eval(&call.func) } else { Value::default() };
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments.args {
            let value = match argument {
                Expr::Starred(starred) => Value::tainted(self.eval(&starred.value).whole_taint()),
                other => self.eval(other),
            };
            arguments.push(Argument { name: None, value });
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().map_or("**", |name| name.as_str());
            arguments.push(Argument { name: Some(name.into()), value: self.eval(&keyword.value) });
        }
        if let Some(value) = self.handed_on(&receiver, &callee, &arguments, place) {
            return value;
        }
        if receiver.as_ref().is_some_and(|(_, name)| takes_in(name)) {
            self.grow_attribute(&call.func, &arguments);
        }
        let computed = match &receiver {
            Some((receiver, name)) => self.computing.method(receiver, name, &arguments, self.builder),
            None => self.computing.call(&callee, &arguments, self.builder).or_else(|| match &callee.path {
                Some(path) => self.computing.built_in(path, &arguments, self.builder),
                None => match &*call.func {
                    Expr::Name(name) if callee.is_unknown() => {
                        self.computing.built_in(name.id.as_str(), &arguments, self.builder)
                    }
                    _ => None,
                },
            }),
        };
        let relayed = if receiver.is_none() { self.computing.relayed(&callee, &arguments) } else { None };
        let value = match (receiver, relayed) {
            (Some((receiver, name)), _) => self.builder.call_method(receiver, name, arguments, place),
            (None, Some((inner, handed))) => self.builder.call(inner, handed, Taint::NONE, place),
            (None, None) => self.builder.call(callee, arguments, Taint::NONE, place),
        };
        let missing = matches!(value.constant, Constant::Unknown);
        let whole = if missing && computed.is_none() { self.computing.whole_call(call, self.builder) } else { None };
        match computed.or(whole) {
            Some(computed) => {
                let taint = value.taint | computed.taint;
                let path = computed.path.or(value.path);
                Value { path, ..self.builder.put_together(computed.constant, taint, place) }
            }
            None => value,
        }
    }

    /// `self.all.append(value)`: what the attribute is made of grows.
    pub(super) fn grow_attribute(&mut self, method: &Expr, arguments: &[Argument<'a>]) {
        let Some(attribute) = method.as_attribute_expr().and_then(|method| method.value.as_attribute_expr()) else {
            return;
        };
        let Expr::Name(name) = &*attribute.value else { return };
        let object = self.builder.name_in_scope(name.id.as_str());
        let taint = arguments.iter().fold(Taint::NONE, |all, argument| all | argument.value.whole_taint());
        if object.class.is_some() && !taint.is_empty() {
            self.builder.set_member(&object, Some(attribute.attr.as_str()), &Value::tainted(taint));
        }
    }

    /// Calls that call or look up something they are given: `map(f, [a])`, `attrgetter("a")(b)`.
    pub(super) fn handed_on(
        &mut self,
        receiver: &Option<(Value<'a>, &'a str)>,
        callee: &Value<'a>,
        arguments: &[Argument<'a>],
        place: Place,
    ) -> Option<Value<'a>> {
        let given = |index: usize| arguments.get(index).map(|argument| argument.value.clone());
        if let Some((receiver, name)) = receiver {
            return match (*name, receiver.path.as_deref()) {
                ("__getattribute__" | "__getattr__", Some(_)) => {
                    let key = given(0)?;
                    Some(self.builder.index(receiver, &key, place))
                }
                ("__call__", Some(_)) => {
                    Some(self.builder.call(receiver.clone(), arguments.to_vec(), Taint::NONE, place))
                }
                ("attrgetter" | "methodcaller", Some("operator")) => {
                    let mut values = Items::default();
                    arguments.iter().for_each(|argument| values.push(argument.value.clone()));
                    let list = self.builder.list(values);
                    Some(Value { path: Some(self.builder.made(&format!("operator.{name}()"))), ..list })
                }
                _ => None,
            };
        }
        match callee.path.as_deref()? {
            "operator.attrgetter()" => {
                let key = callee.items().first()?.clone();
                let object = given(0)?;
                Some(self.builder.index(&object, &key, place))
            }
            "operator.methodcaller()" => {
                let (key, rest) = callee.items().split_first()?;
                let (key, object) = (key.as_text()?.to_owned(), given(0)?);
                let rest = rest.iter().map(|value| Argument { name: None, value: value.clone() }).collect();
                Some(self.builder.call_method(object, &key, rest, place))
            }
            "map" => {
                let (inner, list) = (given(0)?, given(1)?);
                let known = inner.path.as_deref().is_some_and(|path| !matches!(path, "chr" | "str" | "bytes"));
                let first = list.items().first().filter(|_| known)?.clone();
                let result = self.builder.call(inner, vec![Argument { name: None, value: first }], Taint::NONE, place);
                Some(Value::tainted(result.taint | list.taint))
            }
            _ => None,
        }
    }
}

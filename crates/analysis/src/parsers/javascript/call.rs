//! Calls: what is called, with what, and what comes of it.

use oxc_ast::ast::*;
use oxc_span::{GetSpan, Span};

use super::computing::{better, unpacked};
use super::{Walker, private_name, unwrapped};
use crate::facts::{Argument as FactArgument, Constant, Place, Taint, Text, Value, takes_in};

/// What a member holds that somebody outside of the program fills: the cookies of a page, a request to a server.
pub(super) fn outside(object: &Expression<'_>, name: &str) -> Taint {
    let of = match object {
        Expression::Identifier(object) => object.name.as_str(),
        Expression::StaticMemberExpression(object) => object.property.name.as_str(),
        _ => return Taint::NONE,
    };
    match name {
        "cookie" if of == "document" => Taint::PAGE,
        "body" | "query" | "params" | "headers" | "cookies" if matches!(of, "req" | "request") => Taint::VISITOR,
        // Koa's context.
        "query" | "cookies" if of == "ctx" => Taint::VISITOR,
        _ => Taint::NONE,
    }
}

/// What a method of a request yields that somebody outside of the program fills: `req.get("X-Header")`.
fn said_by_visitor(method: &Expression<'_>, object: &Value<'_>, arguments: &[FactArgument<'_>]) -> Taint {
    let Expression::StaticMemberExpression(member) = method else { return Taint::NONE };
    let Expression::Identifier(of) = &member.object else { return Taint::NONE };
    let asked = matches!(member.property.name.as_str(), "get" | "header" | "param")
        && matches!(of.name.as_str(), "req" | "request" | "ctx")
        && object.path.is_none();
    let named = || matches!(arguments, [only] if only.value.as_text().is_some_and(|name| !name.contains(['/', ':'])));
    if asked && named() { Taint::VISITOR } else { Taint::NONE }
}

/// What a user typed into a form of the page, where an event says which: `new FormData(event.target)`.
pub(super) fn is_form(new: &NewExpression<'_>) -> Taint {
    let named = matches!(&new.callee, Expression::Identifier(name) if name.name == "FormData");
    let of_event = match new.arguments.first() {
        Some(Argument::StaticMemberExpression(member)) => {
            matches!(member.property.name.as_str(), "target" | "currentTarget")
        }
        _ => false,
    };
    if named && of_event { Taint::PASSWORD } else { Taint::NONE }
}

/// Elements of a page that do something with what they are given, by the names that they go by here.
pub(super) const SCRIPT: &str = "document.script()";
pub(super) const PICTURE: &str = "document.picture()";

/// `document.createElement("script")`
fn element<'a>(object: &Value<'a>, name: &str, arguments: &[FactArgument<'a>]) -> Option<Value<'a>> {
    if name != "createElement" || object.path.as_deref() != Some("document") {
        return None;
    }
    let element = match arguments.first()?.value.as_text()? {
        "script" => SCRIPT,
        "img" => PICTURE,
        _ => return None,
    };
    Some(Value::at_path(element))
}

/// What compilers call the functions that they put around `require`.
const WRAPPERS: [&str; 8] = [
    "__importDefault",
    "__importStar",
    "__toESM",
    "_interopDefaultLegacy",
    "_interopRequireDefault",
    "_interopRequireWildcard",
    "_interop_require_default",
    "_interop_require_wildcard",
];
/// Bytes of the body of such a function.
const MAX_WRAPPER: u32 = 800;

/// Functions that yield a constant for constants.
const COMPUTING: [&str; 5] = ["parseInt", "decodeURIComponent", "decodeURI", "Number", "parseFloat"];

impl<'a> Walker<'_, 'a> {
    /// Notes a function that only hands its arguments on.
    pub(super) fn relay(
        &mut self,
        id: u32,
        parameters: &FormalParameters<'a>,
        statements: &[Statement<'a>],
        expression: Option<&Expression<'a>>,
    ) {
        if self.marks.wraps && (1..=3).contains(&parameters.items.len()) && self.is_wrapper(statements, expression) {
            self.wrappers.insert(id);
        }
        let returned = match (statements, expression) {
            (_, Some(expression)) => expression,
            ([Statement::ReturnStatement(inner)], None) => match &inner.argument {
                Some(argument) => argument,
                None => return,
            },
            _ => return,
        };
        let Expression::CallExpression(call) = unwrapped(returned) else { return };
        let index = |expression: &Expression<'a>| {
            let Expression::Identifier(name) = expression else { return None };
            parameters.items.iter().position(|parameter| match &parameter.pattern {
                BindingPattern::BindingIdentifier(own) => own.name == name.name,
                _ => false,
            })
        };
        let Some(callee) = index(unwrapped(&call.callee)) else { return };
        let handed: Option<Vec<usize>> =
            call.arguments.iter().map(|argument| argument.as_expression().and_then(index)).collect();
        if let Some(handed) = handed {
            self.relays.insert(id, (callee, handed));
        }
    }

    /// True for a small function that asks whether a module was compiled from one of ECMAScript.
    fn is_wrapper(&self, statements: &[Statement<'a>], expression: Option<&Expression<'a>>) -> bool {
        let span = match (statements, expression) {
            (_, Some(expression)) => expression.span(),
            ([first, .., last], None) => Span::new(first.span().start, last.span().end),
            ([only], None) => only.span(),
            ([], None) => return false,
        };
        let text = if span.size() <= MAX_WRAPPER { self.builder.text(span.start, span.end) } else { "" };
        memchr::memmem::find(text.as_bytes(), b"__esModule").is_some()
    }

    /// The arguments of a call; functions among them are given what the call yields.
    pub(super) fn arguments(
        &mut self,
        arguments: &[Argument<'a>],
        callee: &Value<'a>,
        key: Option<&str>,
    ) -> Vec<FactArgument<'a>> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            if matches!(argument, Argument::FunctionExpression(_) | Argument::ArrowFunctionExpression(_)) {
                self.given = self.builder.given_to_callback(callee, key, &values);
                let module = key == Some("then") && callee.path.as_deref().is_some_and(|path| !path.contains('('));
                // What goes through a list of lists is given one after the other.
                let each = matches!(key, Some("map" | "forEach" | "flatMap")) && values.is_empty();
                let lists = each
                    && callee
                        .items()
                        .first()
                        .is_some_and(|first| !first.items().is_empty() || first.as_text().is_some());
                self.handed = module.then(|| callee.clone()).or_else(|| lists.then(|| callee.each()));
            }
            let value = match argument {
                Argument::SpreadElement(spread) => {
                    let list = self.eval(&spread.argument);
                    let copied = size_of_val(list.items());
                    if copied > 0 && self.builder.afford(copied) {
                        values.extend(list.items().iter().cloned().map(|value| FactArgument { name: None, value }));
                        continue;
                    }
                    Value::tainted(list.whole_taint())
                }
                other => other.as_expression().map(|expression| self.eval(expression)).unwrap_or_default(),
            };
            values.push(FactArgument { name: None, value });
        }
        values
    }

    pub(super) fn call(&mut self, call: &CallExpression<'a>) -> Value<'a> {
        let place = self.place(call.span);
        let callee = unwrapped(&call.callee);
        let receiver = match callee {
            Expression::StaticMemberExpression(member)
                if Self::is_function_maker(&member.object, member.property.name.as_str()) =>
            {
                Some((Value::at_path("Function"), None))
            }
            Expression::StaticMemberExpression(member) => {
                Some((self.eval(&member.object), Some(Text::from(member.property.name.as_str()))))
            }
            Expression::PrivateFieldExpression(member) => {
                Some((self.eval(&member.object), Some(self.builder.made(&private_name(&member.field)))))
            }
            Expression::ComputedMemberExpression(member) => {
                let object = self.eval(&member.object);
                let key = self.eval(&member.expression);
                match key.constant {
                    Constant::Text(text) if Self::is_function_maker(&member.object, &text) => {
                        Some((function_maker(&member.expression), None))
                    }
                    Constant::Text(text) => Some((object, Some(text))),
                    _ => Some((self.builder.index(&object, &key, place), None)),
                }
            }
            _ => None,
        };
        match receiver {
            Some((object, Some(name))) => {
                if self.is_loader(&object)
                    && let Some(value) = self.loader_helper(&name, call)
                {
                    return value;
                }
                let arguments = self.arguments(&call.arguments, &object, Some(&name));
                if let Some(function) = object.field(&name).filter(|field| field.function.is_some()) {
                    let callee = function.clone();
                    return self.called(callee, arguments, place);
                }
                if let Some(value) =
                    element(&object, &name, &arguments).or_else(|| self.handed_on(&object, &name, &arguments, place))
                {
                    return value;
                }
                if takes_in(&name) {
                    self.grow_attribute(callee, &arguments);
                }
                if &*name == "stringify"
                    && let Some(given) = arguments.first()
                {
                    self.builder.calls_of_itself(&given.value, "toJSON");
                }
                let computed = self.computed_method(&object, &name, &arguments);
                let said = said_by_visitor(callee, &object, &arguments);
                let mut value = self.builder.call_method(object, &name, arguments, place);
                value.taint |= said;
                let missing = computed.is_none() && matches!(value.constant, Constant::Unknown);
                // What stands between may be longer than what is kept of a list.
                let whole = missing && &*name == "join" && self.marks.within(call.span) && self.left > 0;
                let computed = if whole { self.computed_whole(call) } else { computed };
                better(value, computed)
            }
            Some((callee, None)) => {
                let arguments = self.arguments(&call.arguments, &callee, None);
                self.called(callee, arguments, place)
            }
            None => {
                let plain = match callee {
                    Expression::Identifier(name) => Some(name.name.as_str()),
                    _ => None,
                };
                let callee = self.eval(callee);
                let arguments = self.arguments(&call.arguments, &callee, None);
                if plain.is_some_and(|name| WRAPPERS.contains(&name))
                    && let Some(module) = arguments.first().map(|argument| argument.value.clone())
                    && (module.path.is_some() || module.class.is_some())
                {
                    return module;
                }
                let plain = plain.filter(|name| COMPUTING.contains(name) && callee.is_unknown());
                let computed = plain.and_then(|name| self.computed_path(name, &arguments));
                better(self.called(callee, arguments, place), computed)
            }
        }
    }

    /// `new Promise((resolve) => { .. resolve(value) .. })` is what `resolve` is given, now or later.
    pub(super) fn promise(&mut self, new: &NewExpression<'a>) -> Option<Value<'a>> {
        let Expression::Identifier(name) = &new.callee else { return None };
        let [only] = &new.arguments[..] else { return None };
        let executor = only.as_expression().filter(|one| {
            matches!(unwrapped(one), Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_))
        })?;
        if name.name != "Promise" {
            return None;
        }
        let resolve = self.builder.declare_function(new.span.start);
        self.given = Taint::NONE;
        self.handed = Some(Value { function: Some(resolve), ..Value::default() });
        let executor = self.eval(executor);
        self.handed = None;
        if let Some(function) = executor.function {
            self.builder.runs(function);
        }
        Some(self.builder.parameter(resolve, 0, ""))
    }

    /// `this.all.push(value)`: what the attribute is made of grows.
    fn grow_attribute(&mut self, method: &Expression<'a>, arguments: &[FactArgument<'a>]) {
        let Expression::StaticMemberExpression(method) = method else { return };
        let Expression::StaticMemberExpression(attribute) = &method.object else { return };
        let object = match &attribute.object {
            Expression::ThisExpression(_) => Value { class: self.class, ..Value::default() },
            Expression::Identifier(name) => self.builder.name(name.name.as_str()),
            _ => return,
        };
        let taint = arguments.iter().fold(Taint::NONE, |all, argument| all | argument.value.whole_taint());
        if object.class.is_some() && !taint.is_empty() {
            self.builder.set_member(&object, Some(attribute.property.name.as_str()), &Value::tainted(taint));
        }
    }

    /// Calls that call something they are given: `Reflect.apply(f, this, [a])`, `["a"].map(f)`, `promise.then(f)`.
    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn handed_on(
        &mut self,
        object: &Value<'a>,
        name: &str,
        arguments: &[FactArgument<'a>],
        place: Place,
    ) -> Option<Value<'a>> {
        if !matches!(name, "apply" | "construct" | "map" | "forEach" | "then") {
            return None;
        }
        let inner = arguments.first().map(|argument| &argument.value).cloned()?;
        let reflected = object.path.as_deref() == Some("Reflect");
        if inner.path.is_none() && !(reflected && inner.function.is_some()) {
            return None;
        }
        let plain = |value: &Value<'a>| FactArgument { name: None, value: value.clone() };
        let handed: Vec<FactArgument<'a>> = match (object.path.as_deref(), name) {
            (Some("Reflect"), "apply") => arguments.get(2)?.value.items().iter().map(plain).collect(),
            (Some("Reflect"), "construct") => arguments.get(1)?.value.items().iter().map(plain).collect(),
            // What a step before made of the items stands for them; a promise hands on what it holds.
            (_, "map" | "forEach" | "then") if object.items().is_empty() && !object.is_unknown() => vec![plain(object)],
            (_, "map" | "forEach") => object.items().iter().take(1).map(plain).collect(),
            _ => return None,
        };
        if handed.is_empty() && !reflected {
            return None;
        }
        self.builder.give_answer(&inner, &handed);
        Some(self.builder.call(inner, handed, Taint::NONE, place))
    }

    /// `[]["filter"]["constructor"]`: what makes a method of anything makes functions.
    pub(super) fn is_function_maker(object: &Expression<'a>, key: &str) -> bool {
        let of = match unwrapped(object) {
            Expression::StaticMemberExpression(member) => unwrapped(&member.object),
            Expression::ComputedMemberExpression(member) => unwrapped(&member.object),
            _ => return false,
        };
        key == "constructor" && (of.is_literal() || matches!(of, Expression::ArrayExpression(_)))
    }

    /// A call whose callee is known as far as it can be.
    pub(super) fn called(&mut self, callee: Value<'a>, arguments: Vec<FactArgument<'a>>, place: Place) -> Value<'a> {
        if self.is_loader(&callee)
            && let Some(module) = self.loaded_module(&callee, &arguments, place)
        {
            return module;
        }
        if arguments.len() >= 4 && callee.function.is_some() && arguments[3].value.items().len() > 1 {
            let text = self.builder.text(place.start, place.end.min(place.start + 40));
            if let Some(code) = text.contains("(p,a,c,k").then(|| unpacked(&arguments)).flatten()
                && self.builder.afford(code.len())
            {
                return Value::text(self.builder.made(&code));
            }
        }
        if let Some((index, handed)) = callee.function.and_then(|id| self.relays.get(&id))
            && let Some(inner) = arguments.get(*index).map(|argument| argument.value.clone())
            && (inner.path.is_some() || inner.function.is_some())
        {
            let handed = handed.iter().filter_map(|index| arguments.get(*index).cloned()).collect();
            if let Some(id) = callee.function {
                self.builder.runs(id);
            }
            let computed = self.computed_call(&inner, &arguments);
            return better(self.builder.call(inner, handed, Taint::NONE, place), computed);
        }
        // `__importDefault(require("x"))` is the module, whose default is itself.
        if let Some(id) = callee.function.filter(|id| self.wrappers.contains(id))
            && let Some(module) = arguments.first().map(|argument| argument.value.clone())
            && module.path.is_some()
        {
            self.builder.runs(id);
            return module;
        }
        let computed = self.computed_call(&callee, &arguments);
        let text = computed.as_ref().and_then(|value| value.as_text()).map(str::to_owned);
        let mut value = better(self.builder.call(callee, arguments, Taint::NONE, place), computed);
        if let Some(text) = text {
            value.taint |= self.builder.taint_of_text(&text, place);
        }
        value
    }
}

/// What makes functions; by a name that is worked out of pieces, one that is hidden.
pub(super) fn function_maker<'a>(key: &Expression<'_>) -> Value<'a> {
    let plain = unwrapped(key).is_literal();
    Value::at_path(if plain { "Function" } else { "builtins.computed" })
}

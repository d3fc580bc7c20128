//! Pure routines of a file, evaluated on constants: the decoders that hide texts, written by hand or by a tool.
//!
//! In: functions, comprehensions and loops of either language, lowered by the front ends to one small tree ([`Node`],
//! [`Statement`]), and constant arguments. Out: the constant they yield, or nothing. It computes on numbers, texts, lists
//! and records only; there is no way from here to a file, a process or the network. A routine that does anything else is
//! not lowered or stops. Steps, memory and depth are bounded by [`Machine`]; the same source gives the same answer.

mod format;
mod library;
mod lists;
mod machine;
mod members;
mod operators;
mod run;
mod texts;
mod value;

pub(crate) use machine::Machine;
pub(crate) use value::Data;

use std::rc::Rc;

/// An expression.
#[derive(Debug)]
pub(crate) enum Node {
    /// A constant.
    Data(Data),
    /// A variable.
    Name(Rc<str>),
    /// A list or tuple.
    List(Vec<Node>),
    /// An object or dictionary.
    Record(Vec<(Node, Node)>),
    /// `-a`, `!a`, `~a`.
    Unary(Unary, Box<Node>),
    /// `a + b`.
    Binary(Binary, Box<Node>, Box<Node>),
    /// `a && b`, `a and b`.
    And(Box<Node>, Box<Node>),
    /// `a || b`, `a or b`.
    Or(Box<Node>, Box<Node>),
    /// `a ? b : c`.
    Conditional(Box<[Node; 3]>),
    /// `a[b]`, `a.b`.
    Member(Box<Node>, Box<Node>),
    /// `a[b:c:d]`.
    Slice(Box<[Option<Node>; 4]>),
    /// `a(b)`.
    Call(Box<Node>, Vec<Node>),
    /// A function, with the scope it stands in.
    Function(Rc<Function>),
    /// `a = b`, `a += b`; yields the new value.
    Assign(Box<Node>, Option<Binary>, Box<Node>),
    /// `a++`, `--a`: by how much, and whether the old value is what it yields.
    Step(Box<Node>, f64, bool),
    /// `a, b`.
    Sequence(Vec<Node>),
    /// The text of each in a row: templates, f-strings.
    Texts(Vec<Node>),
    /// `[a for b in c if d]`.
    Each(Box<Node>, Box<Node>, Box<Node>, Vec<Node>),
}

/// A statement.
#[derive(Debug)]
pub(crate) enum Statement {
    /// An expression.
    Node(Node),
    /// `if`.
    If(Node, Vec<Statement>, Vec<Statement>),
    /// `while`, and `do` where the test comes last.
    While(Node, Vec<Statement>, bool),
    /// `for (;;)`: test, step, body. What comes first is a statement before it.
    For(Option<Node>, Option<Node>, Vec<Statement>),
    /// `for a in b`.
    Each(Node, Node, Vec<Statement>),
    /// `return`.
    Return(Option<Node>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `try` and what follows when it fails.
    Try(Vec<Statement>, Vec<Statement>),
    /// `throw`.
    Throw,
    /// `switch`: cases with their tests; no test for the default.
    Switch(Node, Vec<(Option<Node>, Vec<Statement>)>),
}

/// Operators on one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Minus,
    Plus,
    Not,
    Invert,
    TypeOf,
    Void,
}

/// Operators on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Xor,
    And,
    Or,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// A function.
#[derive(Debug, Default)]
pub(crate) struct Function {
    /// Its own name, where an expression has one.
    pub name: Option<Rc<str>>,
    /// Parameters with their defaults.
    pub parameters: Vec<(Rc<str>, Option<Node>)>,
    /// Other names of its own.
    pub locals: Vec<Rc<str>>,
    /// Functions declared inside, there before the first statement.
    pub functions: Vec<(Rc<str>, Rc<Function>)>,
    /// What it does.
    pub body: Vec<Statement>,
}

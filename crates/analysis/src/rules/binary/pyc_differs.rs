//! A compiled file of Python holds what its source does not.

use sigma_core::{Capability, Category, Confidence, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "pyc-differs",
    category: Category::Obfuscation,
    capability: Some(Capability::NativeCode),
    severity: Severity::Low,
    message: "A compiled file names what its source does not hold.",
    why: "Python may run the compiled file and never look at the source beside it. Whoever reads the source then reads \
          another program.",
    false_positives: "Compiled files are left behind when their source changes: LOW. HIGH only where what is missing runs \
                      code, starts programs, decodes or connects.",
    example: "`os.system` among the names of a/__pycache__/b.cpython-312.pyc, and nowhere in a/b.py",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for one in &distribution.bytecode {
        let Some((name, acts)) = &one.differs else { continue };
        let severity = if *acts { Severity::High } else { Severity::Low };
        let message =
            format!("A compiled file names `{}`, which its source does not hold.", sigma_core::printable(name, 80));
        let hit = hits.hit(name).file(one.path.clone()).severity(severity).confidence(Confidence::Medium);
        let reach = if distribution.is_test(&one.path) { Reach::Test } else { Reach::Import };
        hits.push(hit.reach(reach).message(message));
    }
}

//! Start scripts that installers write for entry points: they are in no distribution, but they have few forms.
//!
//! In: the script and the entry points of the certified `entry_points.txt`. Out: whether it is letter for letter one of these
//! forms. Sources: distlib's `scripts.py` (pip), uv's `uv-install-wheel`.

use std::path::Path;

/// The entry point that a script of this name is for, as `module:attribute`.
pub(crate) fn entry_point<'t>(entry_points: &'t str, script: &str) -> Option<&'t str> {
    let mut wanted = false;
    for line in entry_points.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            wanted = matches!(section.trim(), "console_scripts" | "gui_scripts");
        } else if wanted
            && let Some((name, object)) = line.split_once('=')
            && name.trim() == script
        {
            return object.split('[').next().map(str::trim);
        }
    }
    None
}

/// Whether a script is what an installer writes for an entry point, started by an interpreter of the environment's `bin`.
pub(crate) fn is_launcher(script: &str, object: &str, bin: &Path) -> bool {
    let Some((module, attribute)) = object.split_once(':') else { return false };
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    if !word(module) || !word(attribute) {
        return false;
    }
    let Some(body) = after_shebang(script, bin) else { return false };
    let imported = attribute.split('.').next().unwrap_or_default();
    let import = format!("from {module} import {imported}\n");
    let forms = [
        format!(
            "# -*- coding: utf-8 -*-\nimport re\nimport sys\n{import}if __name__ == '__main__':\n    \
             sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n    sys.exit({attribute}())\n"
        ),
        format!(
            "# -*- coding: utf-8 -*-\nimport sys\n{import}if __name__ == '__main__':\n    \
             if sys.argv[0].endswith('.exe'):\n        sys.argv[0] = sys.argv[0][:-4]\n    sys.exit({attribute}())\n"
        ),
        format!(
            "import sys\n{import}if __name__ == '__main__':\n    sys.argv[0] = sys.argv[0].removesuffix('.exe')\n    \
             sys.exit({attribute}())\n"
        ),
        format!(
            "# -*- coding: utf-8 -*-\nimport sys\n{import}if __name__ == \"__main__\":\n    \
             if sys.argv[0].endswith(\"-script.pyw\"):\n        sys.argv[0] = sys.argv[0][:-11]\n    \
             elif sys.argv[0].endswith(\".exe\"):\n        sys.argv[0] = sys.argv[0][:-4]\n    sys.exit({attribute}())\n"
        ),
    ];
    let body = body.trim_end_matches('\n');
    forms.iter().any(|form| form.trim_end_matches('\n') == body)
}

/// What follows the line that starts the interpreter, where that is one of this environment.
fn after_shebang<'s>(script: &'s str, bin: &Path) -> Option<&'s str> {
    let (line, rest) = script.strip_prefix("#!")?.split_once('\n')?;
    // Long paths, or paths with spaces, are started through a shell (distlib, uv).
    let (interpreter, rest) = if line == "/bin/sh" {
        let (exec, rest) = rest.split_once('\n')?;
        let rest = rest.strip_prefix("' '''\n")?;
        let interpreter = exec.strip_prefix("'''exec' ")?.strip_suffix(" \"$0\" \"$@\"")?;
        let bare = interpreter.strip_prefix('"').and_then(|path| path.strip_suffix('"'));
        let bare = bare.or_else(|| interpreter.strip_prefix('\'').and_then(|path| path.strip_suffix('\'')));
        (bare.unwrap_or(interpreter), rest)
    } else {
        (line, rest)
    };
    is_interpreter(interpreter, bin).then_some(rest)
}

/// Whether a path is that of a Python in a folder.
pub(crate) fn is_interpreter(path: &str, bin: &Path) -> bool {
    let path = Path::new(path);
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("python"));
    let plain = name.is_some_and(|name| name.chars().all(|c| c.is_ascii_digit() || c == '.'));
    let folder = |path: &Path| path.canonicalize().ok();
    plain && path.parent().and_then(folder).is_some_and(|parent| Some(parent) == folder(bin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_installers_write_is_a_launcher() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path();
        let pip = "# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom demo.cli import main\nif __name__ == '__main__':\n    \
                   sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n    sys.exit(main())\n";
        let uv = "# -*- coding: utf-8 -*-\nimport sys\nfrom demo.cli import main\nif __name__ == \"__main__\":\n    \
                  if sys.argv[0].endswith(\"-script.pyw\"):\n        sys.argv[0] = sys.argv[0][:-11]\n    \
                  elif sys.argv[0].endswith(\".exe\"):\n        sys.argv[0] = sys.argv[0][:-4]\n    sys.exit(main())\n";
        let check = |text: String, expect: bool| assert_eq!(is_launcher(&text, "demo.cli:main", bin), expect, "{text}");
        let python = format!("{}/python3", bin.display());
        for body in [pip, uv] {
            check(format!("#!{python}\n{body}"), true);
            check(format!("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n{body}"), true);
            check(format!("#!/tmp/evil/python3\n{body}"), false);
            check(format!("#!{python} -c evil\n{body}"), false);
            check(format!("#!{python}\nimport evil\n{body}"), false);
            check(format!("#!{python}\n{body}evil()\n"), false);
            check(format!("#!{python}\n{}", body.replace("demo.cli", "evil.cli")), false);
            check(format!("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"; evil\n' '''\n{body}"), false);
        }
        check(String::new(), false);
    }

    #[test]
    fn entry_points_are_found_by_name() {
        let text = "[other]\nrun = x:y\n[console_scripts]\nrun = demo.cli:main [fast]\n\n[gui_scripts]\nshow=demo:ui\n";
        assert_eq!(entry_point(text, "run"), Some("demo.cli:main"));
        assert_eq!(entry_point(text, "show"), Some("demo:ui"));
        assert_eq!(entry_point(text, "x"), None);
    }
}

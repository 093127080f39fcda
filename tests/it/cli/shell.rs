//! Completions and manual pages, made from the commands' definitions.

use std::process::Command;

use super::terminal::Terminal;

/// What bash offers for the last word of a line, once it has read the script.
fn offered(terminal: &Terminal, words: &[&str]) -> Vec<String> {
    let script = format!(
        "source completions.bash && COMP_WORDS=({}) COMP_CWORD={} && \
         _snapback snapback \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\" && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len() - 1
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script]).current_dir(terminal.file("."));
    let answer = bash.output().expect("bash runs");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8_lossy(&answer.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let terminal = Terminal::new();
    let script = terminal.run(&["completions", "bash"]).done();
    std::fs::write(terminal.file("completions.bash"), script).expect("a file");
    assert_eq!(offered(&terminal, &["snapback", "rest"]), ["restore"]);
    assert_eq!(offered(&terminal, &["snapback", "restore", "--accept"]), ["--accept-schema"]);
    assert_eq!(offered(&terminal, &["snapback", "list", "--log-format", "j"]), ["json"]);
}

#[test]
fn each_shell_gets_a_script_that_knows_every_command() {
    let terminal = Terminal::new();
    for (shell, opening) in [("bash", "_snapback() {"), ("zsh", "#compdef snapback"), ("fish", "#")]
    {
        let script = terminal.run(&["completions", shell]).done();
        assert!(script.starts_with(opening), "{shell}: {script}");
        for command in ["serve", "take", "restore", "history", "completions", "man"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(terminal.run(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn the_manual_has_a_page_for_the_program_and_for_each_command() {
    let terminal = Terminal::new();
    let page = terminal.run(&["man"]).done();
    for section in
        [".TH snapback 1", ".SH NAME", ".SH SYNOPSIS", ".SH SUBCOMMANDS", "snapback\\-restore(1)"]
    {
        assert!(page.contains(section), "{section} in {page}");
    }
    let page = terminal.run(&["man", "restore"]).done();
    for part in [".TH snapback-restore 1", ".SH OPTIONS", "\\-\\-accept\\-schema", "SNAPBACK_DB"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    std::fs::create_dir(terminal.file("man")).expect("a folder");
    terminal.run(&["man", "--output", "man"]).done();
    let help = terminal.run(&["--help"]).done();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .map_while(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split(' ').next().filter(|name| *name != "help"))
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let file = terminal.file(&format!("man/snapback-{command}.1"));
        let page = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{command}"));
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{command}");
    }
    assert!(terminal.run(&["man", "dance"]).failed().contains("there is no such command"));
}

"""Finds long functions in C++ and Rust by matching braces outside of comments and literals."""

import re

CHARACTER = re.compile(r"'(\\[^'\n]*|[^'\\\n])'")
RAW_CXX = re.compile(r'R"([^()\\\s]{0,16})\(')
RAW_RUST = re.compile(r'r(#*)"')
NOT_A_FUNCTION = re.compile(r"^(\s|\[\[.*?\]\]|template\s*<.*?>|export|pub(\(\w+\))?|unsafe)*"
                            r"(namespace|class|struct|union|enum|extern|mod|impl|trait|match)\b")
RUST_FUNCTION = re.compile(r"\bfn\s+\w+")


def blank(text):
    """The text with the same line breaks, but comments and literals replaced by spaces."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match)

    out, at = [], 0
    while at < len(text):
        end = literal_end(text, at)
        if end is None:
            out.append(text[at])
            at += 1
        else:
            out.append(spaces(text[at:end]))
            at = end
    return "".join(out)


def end_after(text, needle, start):
    found = text.find(needle, start)
    return len(text) if found < 0 else found + len(needle)


def literal_end(text, at):
    """Where the comment or literal that starts here ends; None if none starts here."""
    if text.startswith("//", at):
        found = text.find("\n", at)
        return len(text) if found < 0 else found
    if text.startswith("/*", at):
        return end_after(text, "*/", at + 2)
    starts_word = at == 0 or not (text[at - 1].isalnum() or text[at - 1] == "_")
    raw = RAW_CXX.match(text, at) if starts_word else None
    if raw:
        return end_after(text, f'){raw.group(1)}"', raw.end())
    raw = RAW_RUST.match(text, at) if starts_word else None
    if raw:
        return end_after(text, '"' + raw.group(1), raw.end())
    if text[at] == '"':
        return quoted_end(text, at)
    if text[at] == "'" and starts_word:  # else a digit separator
        character = CHARACTER.match(text, at)
        return character.end() if character else None  # a Rust lifetime otherwise
    return None


def quoted_end(text, at):
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return min(at + 1, len(text))


def is_function(head, suffix):
    """Whether a brace after this text (since the last statement) opens a function's body."""
    if suffix == ".rs":
        return RUST_FUNCTION.search(head) is not None
    return "(" in head and not NOT_A_FUNCTION.search(head) and not head.rstrip().endswith("=")


def long_functions(text, suffix, limit_lines):
    """[(first line, lines)] of outermost functions that are longer than the limit."""
    found, open_braces, line = [], [], 1
    head_start, code = 0, blank(text)
    for at, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character == "{":
            head = code[head_start:at]
            inside = any(function for _, function in open_braces)
            open_braces.append((line - head.strip().count("\n"),
                                not inside and is_function(head, suffix)))
            head_start = at + 1
        elif character == "}":
            head_start = at + 1
            if open_braces:
                first, function = open_braces.pop()
                if function and line - first + 1 > limit_lines:
                    found.append((first, line - first + 1))
        elif character == ";":
            head_start = at + 1
    return found

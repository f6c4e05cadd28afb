// A script for each shell: it hands the words over to `wash __complete`, and what comes back to the
// shell.

#include "wash/help/completion.h"

namespace nimbus::wash {
namespace {

constexpr std::string_view kBash = R"(# Completion of wash for bash: source <(wash completion bash)
_wash() {
  local line word files=
  local -a words=()
  COMPREPLY=()
  # bash takes --option=value apart: here it is the option, and its value.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    [[ $word == = ]] || words+=("$word")
  done
  [[ ${COMP_WORDS[COMP_CWORD]} == = ]] && words+=("")
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      COMPREPLY+=("${line%%$'\t'*}")
    fi
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
  if [[ -n $files ]]; then
    compopt -o filenames
    while IFS= read -r line; do
      COMPREPLY+=("$line")
    done < <(compgen -f -- "${words[-1]}")
  fi
}
complete -F _wash wash
)";

constexpr std::string_view kZsh = R"(#compdef wash
# Completion of wash for zsh: put this as _wash into a folder of $fpath, or
# source <(wash completion zsh)
_wash() {
  local line files=
  local -a found
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe wash found
  [[ -n $files ]] && _files
}
if [[ "${funcstack[1]}" == _wash ]]; then
  _wash "$@"
elif (( $+functions[compdef] )); then
  compdef _wash wash
fi
)";

constexpr std::string_view kFish =
    R"(# Completion of wash for fish: wash completion fish > ~/.config/fish/completions/wash.fish
function __wash_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    for line in (command $words[1] __complete $words[2..-1] "$last" 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$last"
        else
            echo $line
        end
    end
end
complete -c wash -f -a '(__wash_complete)'
)";

constexpr std::string_view kPowerShell =
    R"(# Completion of wash for PowerShell:
# wash completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName wash -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    $words += $(if ($wordToComplete) { $wordToComplete } else { '""' })
    & wash __complete @words 2>$null | ForEach-Object {
        if ($_ -eq ':files') {
            Get-ChildItem -Name -Path "$wordToComplete*"
        } else {
            $word, $help = $_ -split "`t", 2
            if (-not $help) { $help = $word }
            $kind = 'ParameterValue'
            [System.Management.Automation.CompletionResult]::new($word, $word, $kind, $help)
        }
    }
}
)";

constexpr std::string_view kElvish =
    R"(# Completion of wash for elvish: eval (wash completion elvish | slurp)
use str
set edit:completion:arg-completer[wash] = {|@words|
  wash __complete (all $words[1..]) 2>/dev/null | each {|line|
    if (==s $line ':files') {
      edit:complete-filename $words[-1]
    } else {
      var word help = (str:split &max=2 "\t" $line)
      edit:complex-candidate $word &code-suffix=' ' &display=(str:trim-right $word' '$help ' ')
    }
  }
}
)";

}  // namespace

std::string_view shellName(Shell shell) {
  switch (shell) {
    case Shell::kBash: return "bash";
    case Shell::kZsh: return "zsh";
    case Shell::kFish: return "fish";
    case Shell::kPowerShell: return "powershell";
    case Shell::kElvish: return "elvish";
  }
  return {};
}

std::string completionScript(Shell shell) {
  switch (shell) {
    case Shell::kBash: return std::string(kBash);
    case Shell::kZsh: return std::string(kZsh);
    case Shell::kFish: return std::string(kFish);
    case Shell::kPowerShell: return std::string(kPowerShell);
    case Shell::kElvish: return std::string(kElvish);
  }
  return {};
}

}  // namespace nimbus::wash

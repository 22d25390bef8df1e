#include "operator/cli/completion_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "operator/cli/application.h"

namespace headroom::cli {
namespace {

constexpr char kBash[] = R"(# bash completion of headroom; load it by: source <(headroom completion bash)
__headroom_complete() {
  local answer line
  COMPREPLY=()
  answer=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default ;;
      :*) ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done <<<"$answer"
}
complete -F __headroom_complete headroom kubectl-headroom
)";

constexpr char kZsh[] = R"(#compdef headroom kubectl-headroom
# zsh completion of headroom; load it by: source <(headroom completion zsh)
_headroom() {
  local -a found
  local line
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :0) _files; return ;;
      :*) ;;
      *) found+=("${${line/:/\\:}/$'\t'/:}") ;;
    esac
  done
  _describe headroom found
}
compdef _headroom headroom kubectl-headroom
)";

constexpr char kFish[] = R"(# fish completion of headroom; load it by: headroom completion fish | source
function __headroom_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
    switch $line
      case ':0'
        __fish_complete_path (commandline -ct)
      case ':*'
      case '*'
        echo $line
    end
  end
end
for program in headroom kubectl-headroom
  complete -c $program -f -a '(__headroom_complete)'
end
)";

constexpr char kKubectl[] = R"(#!/bin/sh
# kubectl looks for a program of this name, kubectl_complete-headroom, to complete "kubectl headroom".
exec kubectl-headroom __complete "$@"
)";

void offer(std::string& out, const std::string& begun, const std::string& name, const std::string& about) {
  if (name.starts_with(begun)) out += name + "\t" + about.substr(0, about.find('\n')) + "\n";
}

/// The option that waits for a value, if the last whole word is one.
const CLI::Option* waiting(const CLI::App& app, const std::string& word) {
  if (!word.starts_with('-') || word.find('=') != std::string::npos) return nullptr;
  const CLI::Option* option = app.get_option_no_throw(word);
  return option != nullptr && option->get_items_expected_max() > 0 ? option : nullptr;
}

void offer_flags(std::string& out, const std::string& begun, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) offer(out, begun, "--" + name, option->get_description());
    for (const std::string& name : option->get_snames()) offer(out, begun, "-" + name, option->get_description());
  }
}

}  // namespace

std::string complete(const std::vector<std::string>& words) {
  constexpr char kNoFiles[] = ":4\n", kFiles[] = ":0\n";
  CLI::App app("", "headroom");
  GlobalFlags flags;
  std::vector<Run> runs;
  declare_tool(app, flags, runs);
  const std::string begun = words.empty() ? std::string() : words.back();
  const CLI::App* command = nullptr;
  const CLI::Option* value_of = nullptr;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (value_of != nullptr) {
      value_of = nullptr;
      continue;
    }
    value_of = command != nullptr ? waiting(*command, word) : nullptr;
    if (value_of == nullptr) value_of = waiting(app, word);
    if (value_of != nullptr || word.starts_with('-')) continue;
    const auto named =
        (command ? command : &app)->get_subcommands([&](const CLI::App* one) { return one->get_name() == word; });
    if (!named.empty()) command = named.front();
  }
  std::string out;
  if (value_of != nullptr) {
    if (value_of->check_lname("output")) {
      for (const std::string& name : output_names()) offer(out, begun, name, "");
      return out + kNoFiles;
    }
    const bool wants_file = value_of->check_lname("filename") || value_of->check_lname("kubeconfig");
    return wants_file ? kFiles : kNoFiles;
  }
  if (begun.starts_with('-')) {
    if (command != nullptr) offer_flags(out, begun, *command);
    offer_flags(out, begun, app);
    return out + kNoFiles;
  }
  for (const CLI::App* one : (command ? command : &app)->get_subcommands({})) {
    offer(out, begun, one->get_name(), one->get_description());
  }
  return out + kNoFiles;
}

Command completion_command() {
  return {"completion", "Print a script that completes commands and flags in your shell", [](CLI::App& app) -> Run {
            auto shell = std::make_shared<std::string>();
            app.add_option("shell", *shell, "bash, zsh, fish; kubectl: the program kubectl_complete-headroom")
                ->required()
                ->check(CLI::IsMember({"bash", "zsh", "fish", "kubectl"}));
            return [shell](const Context& context) -> Result<ExitCode> {
              context.console.out << (*shell == "bash"   ? kBash
                                      : *shell == "zsh"  ? kZsh
                                      : *shell == "fish" ? kFish
                                                         : kKubectl);
              return ExitCode::Fine;
            };
          }};
}

}  // namespace headroom::cli

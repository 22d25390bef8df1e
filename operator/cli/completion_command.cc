#include "operator/cli/completion_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <set>

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

/// What has been typed before the word that is to be completed.
struct Typed {
  const CLI::App* command = nullptr;      ///< the innermost one
  const CLI::Option* value_of = nullptr;  ///< waits for the word
  int names = 0;                          ///< words that are neither commands nor flags nor values of flags
  bool of_files = false;                  ///< objects come from files, so no cluster is meant
  GlobalFlags flags;
};

void note(Typed& typed, const CLI::Option& option, const std::string& value) {
  if (option.check_lname("namespace")) typed.flags.ns = value;
  if (option.check_lname("context")) typed.flags.context = value;
  if (option.check_lname("kubeconfig")) typed.flags.kubeconfig = value;
  if (option.check_lname("filename")) typed.of_files = true;
}

/// A word that begins with a dash.
void note_flag(Typed& typed, const CLI::App& app, const std::string& word) {
  typed.value_of = typed.command != nullptr ? waiting(*typed.command, word) : nullptr;
  if (typed.value_of == nullptr) typed.value_of = waiting(app, word);
  if (word == "-A" || word == "--all-namespaces") typed.flags.all_namespaces = true;
  const std::size_t sign = word.find('=');
  if (sign == std::string::npos) return;
  const CLI::Option* option = app.get_option_no_throw(word.substr(0, sign));
  if (option != nullptr) note(typed, *option, word.substr(sign + 1));
}

Typed read_typed(const std::vector<std::string>& words, const CLI::App& app) {
  Typed typed;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (typed.value_of != nullptr) {
      note(typed, *typed.value_of, word);
      typed.value_of = nullptr;
    } else if (word.starts_with('-')) {
      note_flag(typed, app, word);
    } else {
      const auto named = (typed.command ? typed.command : &app)->get_subcommands([&](const CLI::App* one) {
        return one->get_name() == word;
      });
      if (!named.empty()) {
        typed.command = named.front();
      } else {
        ++typed.names;
      }
    }
  }
  return typed;
}

/// Each as `prefix` and its name; as NAMESPACE/NAME where `with_namespace`.
void offer_objects(std::string& out, const std::string& begun, const std::vector<api::ObjectKey>& keys,
                   const std::string& prefix, bool with_namespace, const std::string& about) {
  std::set<std::string> offered;  // schedules of the same name in several namespaces are one word
  for (const api::ObjectKey& key : keys) {
    const std::string name = prefix + (with_namespace ? key.to_string() : key.name);
    if (offered.insert(name).second) offer(out, begun, name, about);
  }
}

/// The first name after a command that takes one.
void offer_names(std::string& out, const std::string& begun, Typed typed, const NameSource& names) {
  if (typed.command == nullptr || typed.names > 0 || typed.of_files) return;
  const std::string& command = typed.command->get_name();
  if (command == "plan") {
    offer_objects(out, begun, names({NameKind::Schedule}, typed.flags).front(), "", false, "FestivalSchedule");
  } else if (command == "explain") {
    const std::size_t slash = begun.find('/');
    if (slash != std::string::npos) typed.flags.ns = begun.substr(0, slash);
    const bool with_namespace = slash != std::string::npos || typed.flags.all_namespaces;
    offer_objects(out, begun, names({NameKind::Target}, typed.flags).front(), "", with_namespace, "ScaleTarget");
  } else if (command == "suspend" || command == "resume") {
    if (typed.flags.all_namespaces) return;  // they take one object
    const auto found = names({NameKind::Target, NameKind::Schedule}, typed.flags);
    offer_objects(out, begun, found.front(), "st/", false, "ScaleTarget");
    offer_objects(out, begun, found.back(), "fest/", false, "FestivalSchedule");
  }
}

}  // namespace

std::string complete(const std::vector<std::string>& words, const NameSource& names) {
  constexpr char kNoFiles[] = ":4\n", kFiles[] = ":0\n";
  CLI::App app("", "headroom");
  GlobalFlags flags;
  std::vector<Run> runs;
  declare_tool(app, flags, runs);
  const std::string begun = words.empty() ? std::string() : words.back();
  const Typed typed = read_typed(words, app);
  std::string out;
  if (const CLI::Option* value_of = typed.value_of) {
    if (value_of->check_lname("output")) {
      for (const std::string& name : output_names()) offer(out, begun, name, "");
    } else if (value_of->check_lname("namespace") || value_of->check_lname("system-namespace")) {
      offer_objects(out, begun, names({NameKind::Namespace}, typed.flags).front(), "", false, "");
    } else if (value_of->check_lname("name")) {
      offer_objects(out, begun, names({NameKind::Limit}, typed.flags).front(), "", false, "");
    }
    const bool wants_file = value_of->check_lname("filename") || value_of->check_lname("kubeconfig");
    return out + (wants_file ? kFiles : kNoFiles);
  }
  if (begun.starts_with('-')) {
    if (typed.command != nullptr) offer_flags(out, begun, *typed.command);
    offer_flags(out, begun, app);
    return out + kNoFiles;
  }
  for (const CLI::App* one : (typed.command ? typed.command : &app)->get_subcommands({})) {
    offer(out, begun, one->get_name(), one->get_description());
  }
  offer_names(out, begun, typed, names);
  return out + kNoFiles;
}

Command completion_command() {
  return {"completion", "Print a script that completes commands, flags and names in your shell",
          [](CLI::App& app) -> Run {
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

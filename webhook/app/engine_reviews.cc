// Reviews: what is answered at once, and what waits.
#include "webhook/app/engine.h"

#include <algorithm>
#include <utility>

namespace headroom::webhook {
namespace {

using limits::CompiledLimit;
using limits::Finding;
using limits::LimitId;
using limits::Verdict;
using Mode = api::ScaleLimitSpec::Mode;

const char* reason_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::OverLimit:
      return "OverLimit";
    case Verdict::Kind::OverConcurrency:
      return "OverConcurrency";
    case Verdict::Kind::OverRate:
      return "OverRate";
    case Verdict::Kind::InFlight:
      return "InFlight";
    case Verdict::Kind::NameTaken:
      return "NameTaken";
    case Verdict::Kind::Unavailable:
      return "Unavailable";
    case Verdict::Kind::Allowed:
      break;
  }
  return "";
}

std::optional<Answer> first_refusal(const std::vector<Finding>& findings) {
  const auto refused =
      std::ranges::find(findings, Mode::Enforce, [](const Finding& one) { return one.limit->spec.mode; });
  return refused == findings.end() ? std::nullopt : std::optional(refusal_for(*refused));
}

std::vector<std::string> warnings_of(const std::vector<Finding>& findings) {
  std::vector<std::string> warnings;
  for (const Finding& finding : findings) {
    if (finding.limit->spec.mode == Mode::Warn) warnings.push_back(finding.message);
  }
  return warnings;
}

}  // namespace

Answer Engine::with_warnings(Answer answer, std::vector<std::string> warnings) const {
  for (std::string& warning : warnings) answer.warnings.push_back(std::move(warning));
  return answer;
}

void Engine::count_denial(const CompiledLimit* limit, const Verdict& verdict, std::string message) {
  if (verdict.kind == Verdict::Kind::Allowed) return;
  denials_.count(
      limit == nullptr ? nullptr : &limit->limit(),
      {reason_of(verdict.kind), limit == nullptr ? std::string() : dimension_name(verdict, *limit), std::move(message)},
      now_().wall);
}

void Engine::warn_of(const Verdict& verdict, std::vector<std::string>& warnings) {
  const LimitPtr limit = find(verdict.limit);
  std::string text = limit ? figures_text(verdict, *limit) : std::string();
  count_denial(limit.get(), verdict, text);
  if (limit && limit->limit().spec.mode == Mode::Warn) warnings.push_back(std::move(text));
}

void Engine::watch_flow(const limits::Assessment& assessed, std::vector<std::string>& warnings) {
  const limits::Moment now = now_();
  for (const limits::Charge& charge : assessed.watched_flow) {
    const LimitPtr limit = find(charge.limit);
    if (!limit) continue;
    watched_flow_.add(charge.limit, assessed.write, charge.amounts, now.boot);
    const limits::Amounts in_use = watched_flow_.in_use(charge.limit);
    const limits::Amounts hard = limit->flow_terms().hard;
    const auto replicas = static_cast<limits::Amount>(escrow_.replicas(now));
    for (std::size_t i = 0; i < limits::kFlowDimensions; ++i) {
      if (charge.amounts[i] == 0 || (in_use[i] - limits::kOneWrite) * replicas < hard[i]) continue;
      const auto kind = i == limits::kConcurrency ? Verdict::Kind::OverConcurrency : Verdict::Kind::OverRate;
      warn_of({kind, charge.limit, i, (in_use[i] - limits::kOneWrite) * replicas, limits::kOneWrite, hard[i]},
              warnings);
      break;
    }
  }
}

std::optional<Answer> Engine::ask_ledger(const limits::AskedWrite& write, const limits::Assessment& assessed,
                                         bool dry_run, std::vector<std::string>& warnings, ReviewResponder& responder) {
  if (!assessed.watched.empty()) {
    const Verdict verdict = escrow_.judge(assessed.watched);
    if (verdict.kind == Verdict::Kind::OverLimit) warn_of(verdict, warnings);
  }
  if (!dry_run) watch_flow(assessed, warnings);
  if (assessed.charges.empty()) return Answer{};
  WrittenObject object{std::string(write.group), std::string(write.resource), std::string(write.ns),
                       std::string(write.name.empty() ? write.object->name() : write.name)};
  const limits::RequestId request = ++last_request_;
  const limits::Moment now = now_();
  limits::Write of_somebody = assessed.write;
  of_somebody.requester = requesters_.number_of(write.user);
  const auto verdict = dry_run ? std::optional(escrow_.judge(assessed.charges))
                               : escrow_.ask(request, of_somebody, assessed.charges, now);
  if (!verdict) {
    pending_.emplace(
        request, Pending{std::move(responder), std::move(object), assessed.write.type, std::move(warnings), now.boot});
    if (pending_.size() == 1) somebody_waits_.notify_all();
    return std::nullopt;
  }
  const LimitPtr limit = find(verdict->limit);
  Answer answer = answer_to(*verdict, limit.get(), object);
  count_denial(limit.get(), *verdict, answer.message);
  return answer;
}

void Engine::decide(const limits::AskedWrite& write, bool dry_run, ReviewResponder responder) {
  const auto standing_of = [this](LimitId limit, limits::TypeId type, const limits::Uid& object,
                                  limits::Revision version) {
    std::lock_guard lock(mutex_);
    return usage_.standing(limit, type, object, version);
  };
  Aftermath aftermath;
  std::optional<Answer> answer;
  std::vector<std::string> warnings;
  for (bool judged = false; !judged;) {
    const auto set = limits();
    if (!set) return;
    const limits::Assessment assessed = set->assess(write, standing_of, switch_is_on_);
    answer = first_refusal(assessed.findings);
    warnings = warnings_of(assessed.findings);
    if (!answer && assessed.charges.empty() && assessed.watched.empty() && assessed.watched_flow.empty())
      answer = Answer{};
    judged = true;
    if (!answer) {
      std::lock_guard lock(mutex_);
      judged = limits_ == set;  // else what was found is of limits that do not hold any more
      if (judged) {
        answer = ask_ledger(write, assessed, dry_run, warnings, responder);
        aftermath = take_actions();
      }
    }
    if (!judged) continue;
    for (const Finding& finding : assessed.findings) {
      denials_.count(finding.limit, {finding.reason, finding.dimension, finding.message}, now_().wall);
    }
  }
  if (answer) responder.answer(with_warnings(*std::move(answer), std::move(warnings)));
  finish(std::move(aftermath));
}

}  // namespace headroom::webhook

// Samples of one scrape, written straight into its text: for what is many, and kept elsewhere anyway. A gauge of
// Metrics costs about a kilobyte for as long as it lives, ten thousand objects with ten figures each would be more than
// all else.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace headroom::runtime {

/// One scrape's thread.
class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;

  /// One sample. The first of a family tells its help, without newlines. Each set of labels at most once, and never a
  /// name that is also kept in Metrics; a label without a value is left out, which is the same to Prometheus.
  void gauge(std::string_view name, std::string_view help, std::initializer_list<Label> labels, double value);
  void counter(std::string_view name, std::string_view help, std::initializer_list<Label> labels, double value);
  /// `counts`: of each bucket alone, one more than there are `bounds`; `sum` of all values. At least one label.
  void histogram(std::string_view name, std::string_view help, std::initializer_list<Label> labels,
                 std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum);

  /// `before`, and behind it all families by name, in text exposition format 0.0.4. Nothing is left here: the text of
  /// ten thousand objects is held once.
  std::string take_text(std::string before = {});

 private:
  std::string& family(std::string_view name, std::string_view help, const char* type);

  std::map<std::string, std::string, std::less<>> families_;
};

}  // namespace headroom::runtime

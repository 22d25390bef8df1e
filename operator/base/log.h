// Structured logging: one line an event, JSON by default, fields as key and value. Thread-safe. spdlog stays in log.cc
// so that no header pays for it.
#pragma once

#include <absl/time/time.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace headroom::log {

enum class Level { Debug, Info, Warning, Error };
enum class Format { Json, Text };

struct Field {
  std::string_view key;
  std::string value;
};

/// One line without its newline, what `write` prints. JSON: always valid, bytes that are not UTF-8 become U+FFFD. Text:
/// `time level message key=value`, values quoted where they contain blanks, quotes or control characters. Pure.
std::string render(Format format, absl::Time at, Level level, std::string_view message,
                   std::initializer_list<Field> fields);

/// Once, before threads start. Writes to standard error. Without it: Info and above, as JSON.
void configure(Level threshold, Format format);
/// Writes `message` with its fields; `object` ("ScaleTarget/ns/name"), `reconcileID` and `reason` are the usual keys.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::Debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::Info, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::Warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::Error, message, fields);
}

}  // namespace headroom::log

#include "operator/kube/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "operator/base/clock.h"

namespace headroom::kube {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Error{ErrorCode::Internal, "no pipe: " + std::generic_category().message(errno), 0, {}};
  }
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

int spawn(pid_t& child, const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
          const Pipe& output, const Pipe& errors, ChildTerminal terminal) {
  const bool alone = terminal == ChildTerminal::None;
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  if (alone) posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output.write.get(), STDOUT_FILENO);
  if (alone) posix_spawn_file_actions_adddup2(&files, errors.write.get(), STDERR_FILENO);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int flags = (alone ? POSIX_SPAWN_SETPGROUP : 0) | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
  std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  const int error = ::posix_spawnp(&child, argv[0], &files, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

// False when the end of the pipe has come.
bool drain(const Descriptor& pipe, std::string& into, std::size_t most) {
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(pipe.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    into.append(buffer.data(), static_cast<std::size_t>(got));
    if (into.size() > most) return true;
  }
}

// Our child until waited for, so its number cannot be somebody else's.
class Child {
 public:
  Child(pid_t pid, ChildTerminal terminal) : pid_(pid), killed_(terminal == ChildTerminal::None ? -pid : pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (ended_) return;
    ::kill(killed_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
  }
  bool has_ended() {
    if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return ended_;
  }
  int exit_code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_); }

 private:
  const pid_t pid_, killed_;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<ChildOutput> run_child(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                              std::size_t most_output, std::chrono::milliseconds timeout, const std::stop_token& stop,
                              ChildTerminal terminal) {
  constexpr std::size_t kMostErrors = 4096;
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  BOOST_OUTCOME_TRY(output, make_pipe());
  BOOST_OUTCOME_TRY(errors, make_pipe());
  const Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

  pid_t pid = -1;
  if (const int error = spawn(pid, arguments, environment, output, errors, terminal); error != 0) {
    return Error{error == ENOENT ? ErrorCode::NotFound : ErrorCode::InvalidArgument,
                 arguments.front() + " cannot be run: " + std::generic_category().message(error),
                 0,
                 {}};
  }
  Child child(pid, terminal);
  output.write.close();
  errors.write.close();
  const std::stop_callback waker(stop, [&wake] { ::eventfd_write(wake.get(), 1); });

  ChildOutput result;
  std::array<pollfd, 3> events{pollfd{wake.get(), POLLIN, 0}, pollfd{output.read.get(), POLLIN, 0},
                               pollfd{errors.read.get(), POLLIN, 0}};
  for (bool ended = false; !ended;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return Error{ErrorCode::Timeout,
                   arguments.front() + " did not end within " + std::to_string(timeout.count()) + " ms",
                   0,
                   {}};
    }
    // The end of a child is no event to poll for: looked for every so often.
    ::poll(events.data(), events.size(), static_cast<int>(std::min<std::int64_t>(left.count(), 10)));
    if (stop.stop_requested()) return Error{ErrorCode::Cancelled, arguments.front() + " was stopped", 0, {}};
    // Asked before reading, so that all it said is read afterwards. What it started may hold the pipes longer.
    ended = child.has_ended();
    if (!drain(output.read, result.output, most_output)) events[1].fd = -1;
    if (!drain(errors.read, result.errors, kMostErrors)) events[2].fd = -1;
    if (result.output.size() > most_output) {
      return invalid(arguments.front() + " wrote more than " + std::to_string(most_output) + " bytes");
    }
    result.errors.resize(std::min(result.errors.size(), kMostErrors));
  }
  result.exit_code = child.exit_code();
  return result;
}

}  // namespace headroom::kube

#include "tests/authn/issuer_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "events/base/check.h"
#include "events/json/json_value.h"

namespace coffer::test {
namespace {

std::string read_line(std::FILE* source) {
  std::array<char, 4096> line{};
  COFFER_CHECK(std::fgets(line.data(), line.size(), source) != nullptr);
  std::string text = line.data();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

IssuerServer::IssuerServer() : authority_pem_(read_file(certificate_.authority_file())) {
  std::array<int, 2> in{}, out{};
  COFFER_CHECK(pipe2(in.data(), O_CLOEXEC) == 0 && pipe2(out.data(), O_CLOEXEC) == 0);
  const std::string script = COFFER_SOURCE_DIR "/tests/authn/issuer_server.py";
  const std::string certificate = certificate_.certificate_file(), key = certificate_.key_file();
  pid_ = fork();
  COFFER_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    execlp("python3", "python3", "-B", script.c_str(), certificate.c_str(), key.c_str(), nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_server_ = fdopen(in[1], "w");
  from_server_ = fdopen(out[0], "r");
  COFFER_CHECK(to_server_ != nullptr && from_server_ != nullptr);
  address_ = "https://localhost:" + read_line(from_server_);
}

IssuerServer::~IssuerServer() {
  stop();
  std::fclose(to_server_);
  std::fclose(from_server_);
}

void IssuerServer::stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string IssuerServer::command(const std::string& object) {
  std::fputs((object + "\n").c_str(), to_server_);
  std::fflush(to_server_);
  return read_line(from_server_);
}

void IssuerServer::set(const std::string& members) {
  command("{" + members + "}");
}

int IssuerServer::requests(const std::string& path) {
  const auto counts = json::Document::parse(command("{}"));
  COFFER_CHECK(counts.ok());
  const json::Value* count = counts->root().find(path);
  return count == nullptr ? 0 : std::stoi(std::string(count->text()));
}

void IssuerServer::await_requests(const std::string& path, int count) {
  command(fmt::format(R"({{"await":["{}",{}]}})", path, count));
}

}  // namespace coffer::test

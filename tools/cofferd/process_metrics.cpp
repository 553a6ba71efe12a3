// What Linux says of this process, under the names that every Prometheus client library uses.
// Source: proc(5).
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/cofferd/server_metrics.h"

namespace coffer::server {
namespace {

// Fields of /proc/self/stat by their number in proc(5), from 3 on: the name before may hold spaces.
std::vector<double> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::vector<double> fields(3);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::string field;
  rest >> field;  // the state, a letter
  for (double value = 0; rest >> value;) fields.push_back(value);
  fields.insert(fields.begin() + 3, 0.0);
  return fields;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  return 0;
}

double count_open_files() {
  double count = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error))
    ++count;
  return count - 1;  // the folder itself
}

}  // namespace

void add_process_metrics(MetricsPage& page) {
  const auto fields = stat_fields();
  if (fields.size() < 25) return;  // no /proc here
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  page.set("process_cpu_seconds_total", (fields[14] + fields[15]) / ticks);
  page.set("process_threads", fields[20]);
  page.set("process_start_time_seconds", boot_time() + fields[22] / ticks);
  page.set("process_virtual_memory_bytes", fields[23]);
  page.set("process_resident_memory_bytes", fields[24] * page_bytes);
  page.set("process_open_fds", count_open_files());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    page.set("process_max_fds", static_cast<double>(limit.rlim_cur));
}

}  // namespace coffer::server

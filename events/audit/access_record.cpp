#include "events/audit/access_record.h"

namespace coffer::audit {

std::uint32_t requests_of(const AccessRecord& record) noexcept {
  return record.collapsed_count == 0 ? 1 : record.collapsed_count;
}

}  // namespace coffer::audit

// A SoftHSM2 of its own for one test: a temporary directory with configuration and token storage,
// named to the module through SOFTHSM2_CONF.
// SoftHSM reads its configuration only when it is initialised, once for the whole process: destroy
// every key service of one SoftHsm before the next SoftHsm is made, and use one at a time.
// Threads: one.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "hsm/pkcs11_key_service.h"

namespace coffer::testing {

class SoftHsm {
 public:
  static constexpr const char* kModulePath = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr const char* kTokenLabel = "coffer-test";
  static constexpr const char* kUserPin = "user-pin-4711";
  static constexpr const char* kOfficerPin = "officer-pin-0815";

  SoftHsm() : directory_(make_directory()) {
    std::filesystem::create_directory(storage());
    std::ofstream(configuration()) << "directories.tokendir = " << storage().string() << "\n"
                                   << "objectstore.backend = file\n"
                                   << "log.level = ERROR\n"
                                   << "slots.removable = false\n";
    setenv("SOFTHSM2_CONF", configuration().c_str(), 1);
  }
  SoftHsm(const SoftHsm&) = delete;
  SoftHsm& operator=(const SoftHsm&) = delete;
  ~SoftHsm() {
    unsetenv("SOFTHSM2_CONF");
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::filesystem::path directory() const { return directory_; }
  [[nodiscard]] std::filesystem::path configuration() const { return directory_ / "softhsm2.conf"; }
  [[nodiscard]] std::filesystem::path storage() const { return directory_ / "tokens"; }

  // The token is gone, and there again.
  void unplug() const { std::filesystem::rename(storage(), directory_ / "unplugged"); }
  void plug_in() const { std::filesystem::rename(directory_ / "unplugged", storage()); }

  [[nodiscard]] static hsm::Pkcs11Options options() {
    hsm::Pkcs11Options options;
    options.module_path = kModulePath;
    options.token_label = kTokenLabel;
    return options;
  }
  [[nodiscard]] static SecretBytes user_pin() { return SecretBytes(std::string_view(kUserPin)); }
  [[nodiscard]] static SecretBytes officer_pin() {
    return SecretBytes(std::string_view(kOfficerPin));
  }

  using Service = std::unique_ptr<hsm::Pkcs11KeyService>;

  [[nodiscard]] static Service open(const hsm::Pkcs11Options& options = SoftHsm::options()) {
    auto service = hsm::Pkcs11KeyService::open(options);
    REQUIRE_MESSAGE(service.ok(), (service.ok() ? "" : service.error().message));
    return std::move(service).value();
  }
  // With an initialised token, logged in.
  [[nodiscard]] static Service logged_in(const hsm::Pkcs11Options& options = SoftHsm::options()) {
    auto service = open(options);
    const auto present = service->token_present();
    REQUIRE(present.ok());
    if (!*present) REQUIRE(service->initialize_token(officer_pin(), user_pin()).ok());
    REQUIRE(service->login(user_pin()).ok());
    return service;
  }
  // Also with the root key of epoch 1.
  [[nodiscard]] static Service ready(const hsm::Pkcs11Options& options = SoftHsm::options()) {
    auto service = logged_in(options);
    REQUIRE(service->create_root_key(1).ok());
    return service;
  }

 private:
  static std::filesystem::path make_directory() {
    auto name = (std::filesystem::temp_directory_path() / "coffer-softhsm-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    return name;
  }

  std::filesystem::path directory_;
};

}  // namespace coffer::testing

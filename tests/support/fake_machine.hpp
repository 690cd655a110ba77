// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "temporary_folder.hpp"

namespace support {

/// Sets variables of the environment for one test.
class environment {
   public:
    void set(std::string const& name, std::string const& value) {
        keep(name), ::setenv(name.c_str(), value.c_str(), 1);
    }
    void unset(std::string const& name) { keep(name), ::unsetenv(name.c_str()); }
    ~environment() {
        for (auto const& [name, value] : before_)
            if (value) ::setenv(name.c_str(), value->c_str(), 1);
            else ::unsetenv(name.c_str());
    }

   private:
    void keep(std::string const& name) {
        auto const* const value = std::getenv(name.c_str());
        before_.emplace(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
    }
    std::map<std::string, std::optional<std::string>> before_;
};

/// Writes a file, its folder too.
inline void write(std::filesystem::path const& path, std::string const& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
}
/// Writes a script that the shell runs.
inline void write_program(std::filesystem::path const& path, std::string const& script) {
    write(path, "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

/// A Hugging Face cache and a PATH of a test's own, both empty.
struct fake_machine {
    temporary_folder folder;
    environment variables;
    std::filesystem::path const hub = folder.path / "hub", bin = folder.path / "bin", model = hub / "models--org--tiny";
    fake_machine() {
        std::filesystem::create_directories(bin);
        variables.set("HF_HUB_CACHE", hub.string());
        variables.set("PATH", bin.string());
        variables.unset("HF_HUB_OFFLINE");
    }
    std::filesystem::path cache(std::string const& hash) {
        write(model / "refs/main", hash);
        write(model / "snapshots" / hash / "config.json", "{}");
        return model / "snapshots" / hash;
    }
};
}  // namespace support

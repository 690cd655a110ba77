// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace support {

/// A folder of a test's own, gone when the test ends.
struct temporary_folder {
    std::filesystem::path path;

    temporary_folder() {
        auto name = (std::filesystem::temp_directory_path() / "proximal_XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

}  // namespace support

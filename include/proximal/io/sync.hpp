// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace proximal::io {

/// Waits until a file's content, or a folder's list of names, is on the disk, so that it outlives a loss of power.
/// Throws std::runtime_error with the system's reason. A file system that cannot sync a folder is let be.
inline void sync(std::filesystem::path const& path) {
    int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    bool const failed = file < 0 || (::fsync(file) != 0 && errno != EINVAL && errno != EROFS);
    std::string const why = std::strerror(errno);
    if (file >= 0) ::close(file);
    if (failed) throw std::runtime_error(path.string() + " could not be written to the disk: " + why);
}

}  // namespace proximal::io

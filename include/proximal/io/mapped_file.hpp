// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace proximal::io {

/// A file's bytes, read-only, without reading it: the system pages in what is touched.
///
/// Lives as long as the spans taken from it are used. Movable, not copyable.
/// Throws std::runtime_error, naming the file and the system's reason, where it cannot be opened or is no plain file.
class mapped_file {
   public:
    explicit mapped_file(std::filesystem::path const& path) {
        int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) fail(path);
        struct ::stat status {};
        bool const plain = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
        void* const begin =
            plain && status.st_size > 0
                ? ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0)
                : nullptr;  // an empty mapping is an error to mmap, an empty file is not one to us
        int const reason = errno;
        ::close(file);
        if (!plain) throw std::runtime_error(path.string() + " is not a plain file; give the path of a file");
        if (begin == MAP_FAILED) errno = reason, fail(path);
        bytes_ = {static_cast<std::byte const*>(begin), static_cast<std::size_t>(status.st_size)};
    }
    mapped_file(mapped_file&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    mapped_file& operator=(mapped_file&& other) noexcept { return std::swap(bytes_, other.bytes_), *this; }
    ~mapped_file() {
        if (bytes_.data()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    }

    /// The file's contents, for as long as this lives.
    std::span<std::byte const> bytes() const { return bytes_; }

   private:
    [[noreturn]] static void fail(std::filesystem::path const& path) {
        throw std::runtime_error(path.string() + " cannot be opened: " + std::strerror(errno) +
                                 "; check the path and its permissions");
    }

    std::span<std::byte const> bytes_;
};

}  // namespace proximal::io

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::io {

/// A file that appears whole or not at all: written beside its place, renamed by commit().
///
/// Without commit(), also when an exception passes, what stood at `path` stays as it was and nothing else remains.
/// Throws std::runtime_error, naming the file and the system's reason, where it cannot be written.
class atomic_file {
   public:
    explicit atomic_file(std::filesystem::path path)
        : path_(std::move(path)), beside_(path_.string() + ".part" + std::to_string(::getpid())) {
        stream_.open(beside_, std::ios::binary | std::ios::trunc);
        if (!stream_) fail("cannot be written");
    }
    atomic_file(atomic_file const&) = delete;
    atomic_file& operator=(atomic_file const&) = delete;
    ~atomic_file() {
        if (committed_) return;
        stream_.close();
        std::error_code ignored;
        std::filesystem::remove(beside_, ignored);
    }

    /// Where to write.
    std::ostream& stream() { return stream_; }

    /// Puts the whole file in its place. Throws std::runtime_error where it cannot.
    void commit() {
        stream_.close();
        if (!stream_) fail("could not be written whole (is the disk full?)");
        std::error_code error;
        std::filesystem::rename(beside_, path_, error);
        if (error) fail("cannot be put in its place");
        committed_ = true;
    }

   private:
    [[noreturn]] void fail(std::string const& what) const {
        throw std::runtime_error(path_.string() + " " + what + ": " + std::strerror(errno) +
                                 "; check the folder's permissions and free space");
    }

    std::filesystem::path path_, beside_;
    std::ofstream stream_;
    bool committed_ = false;
};

/// Writes a whole file at once, atomically. The folder must exist.
inline void write_file(std::filesystem::path const& path, std::string_view content) {
    atomic_file file(path);
    file.stream().write(content.data(), static_cast<std::streamsize>(content.size()));
    file.commit();
}

}  // namespace proximal::io

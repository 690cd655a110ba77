// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::io {

/// A file that appears whole or not at all, after a power cut too: written beside its place, brought to the disk and
/// renamed by commit().
///
/// Without commit(), also when an exception passes, what stood at `path` stays as it was and nothing else remains. What
/// a killed process of this machine left beside it is removed by the next that writes there.
/// Throws std::runtime_error, naming the file and the system's reason, where it cannot be written.
class atomic_file {
   public:
    explicit atomic_file(std::filesystem::path path) : path_(std::move(path)) {
        static std::atomic<long> written{0};
        auto const number = written++;
        remove_leftovers(number);
        beside_ = path_.string() + mark() + std::to_string(::getpid()) + "-" + std::to_string(number);
        errno = 0;
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

    /// Brings what was written to the disk, beside its place: all of it is written, and commit() then takes no time.
    /// Throws std::runtime_error where it cannot.
    void finish() {
        if (std::exchange(is_finished_, true)) return;
        errno = 0;
        stream_.close();
        if (!stream_ || !reaches_disk(beside_)) fail("could not be written whole (is the disk full?)");
    }
    /// Puts the whole file in its place. Throws std::runtime_error where it cannot.
    void commit() {
        finish();
        if (std::rename(beside_.c_str(), path_.c_str()) != 0) fail("cannot be put in its place");
        committed_ = true;
        auto const folder = path_.parent_path();
        reaches_disk(folder.empty() ? "." : folder);  // some file systems know no fsync of a folder
    }

   private:
    /// ".part-HOST-": what stands between a file's name and the number of the process that writes it.
    static std::string mark() {
        char host[256] = "";
        ::gethostname(host, sizeof host - 1);
        return std::string(".part-") + host + "-";
    }
    static bool reaches_disk(std::filesystem::path const& path) {
        int const opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (opened < 0) return false;
        bool const is_there = ::fsync(opened) == 0 || errno == EINVAL || errno == ENOTSUP;
        ::close(opened);
        return is_there;
    }
    /// A dead process's, and those of one that had this one's number before a restart: `number` is the next of ours.
    void remove_leftovers(long number) const {
        auto const ours = path_.filename().string() + mark();
        std::error_code trouble, ignored;
        auto const folder = path_.parent_path();
        std::filesystem::directory_iterator entry(folder.empty() ? "." : folder, trouble);
        for (; !trouble && entry != std::filesystem::directory_iterator(); entry.increment(trouble)) {
            auto const name = entry->path().filename().string();
            if (!name.starts_with(ours)) continue;
            char* end = nullptr;
            long const process = std::strtol(name.c_str() + ours.size(), &end, 10);
            bool const is_dead = process > 0 && ::kill(static_cast<::pid_t>(process), 0) != 0 && errno == ESRCH;
            bool const is_ours = process == ::getpid() && *end == '-' && std::atol(end + 1) >= number;
            // A process of another container may have this host's name: what it writes now is young.
            bool const is_old = std::filesystem::last_write_time(entry->path(), ignored) <
                                std::filesystem::file_time_type::clock::now() - std::chrono::seconds(30);
            if (is_old && (is_dead || is_ours)) std::filesystem::remove(entry->path(), ignored);
        }
    }
    [[noreturn]] void fail(std::string const& what) const {
        std::string const why = errno != 0 ? std::string(": ") + std::strerror(errno) : "";
        throw std::runtime_error(path_.string() + " " + what + why + "; check the folder's permissions and free space");
    }

    std::filesystem::path path_, beside_{};
    std::ofstream stream_;
    bool is_finished_ = false, committed_ = false;
};

/// Writes a whole file at once, atomically. The folder must exist.
inline void write_file(std::filesystem::path const& path, std::string_view content) {
    atomic_file file(path);
    file.stream().write(content.data(), static_cast<std::streamsize>(content.size()));
    file.commit();
}

}  // namespace proximal::io

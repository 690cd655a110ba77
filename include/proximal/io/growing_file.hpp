// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <ios>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::io {

/// A file that grows while a program runs, each piece flushed as it is written.
///
/// A file that was deleted or moved, with its folder perhaps, takes what is written and loses it, and nothing fails: so
/// each piece is followed by a look at whether the file is still there.
class growing_file {
   public:
    /// Opens the file, to begin it anew or to go on after what it holds. What cannot be opened fails with the first
    /// piece.
    void open(std::filesystem::path path, std::ios::openmode mode) {
        path_ = std::move(path);
        stream_ = std::ofstream(path_, std::ios::binary | mode);
        is_known_ = look(here_);
    }
    void close() { stream_.close(); }
    bool is_open() const { return stream_.is_open(); }
    std::filesystem::path const& path() const { return path_; }

    /// Appends a piece. Throws std::runtime_error, with the file's name and the remedy, where it cannot be written or
    /// the file is no longer there.
    void write(std::string_view piece) {
        stream_.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush();
        if (!stream_) throw std::runtime_error(path_.string() + " cannot be written: check permissions and free space");
        struct stat now {};
        if (!is_known_ || (look(now) && now.st_ino == here_.st_ino && now.st_dev == here_.st_dev)) return;
        throw std::runtime_error(path_.string() +
                                 " is gone: it or its folder was deleted or moved while it was written to, and what "
                                 "follows would be lost; leave the folder where it is until the run ends");
    }

   private:
    bool look(struct stat& found) const { return ::stat(path_.c_str(), &found) == 0; }

    std::filesystem::path path_;
    std::ofstream stream_;
    struct stat here_ {};
    bool is_known_ = false;
};

}  // namespace proximal::io

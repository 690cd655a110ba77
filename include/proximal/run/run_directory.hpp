// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <proximal/io/expand_user.hpp>
#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace proximal::run {

namespace detail {
/// A lock on a folder that ends with the process, however it ends; the file in it names the process.
class folder_lock {
   public:
    folder_lock() = default;
    explicit folder_lock(std::filesystem::path const& folder)
        : file_(::open((folder / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
        if (file_ < 0) return;
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            char words[32]{};
            owner_ = ::read(file_, words, sizeof words - 1) > 0 ? words : "of another";
            return;
        }
        auto const process = std::to_string(::getpid());
        if (::ftruncate(file_, 0) == 0 && ::pwrite(file_, process.data(), process.size(), 0) > 0) held_ = true;
    }
    folder_lock(folder_lock&& other) noexcept { *this = std::move(other); }
    folder_lock& operator=(folder_lock&& other) noexcept {
        std::swap(file_, other.file_);
        std::swap(held_, other.held_);
        std::swap(owner_, other.owner_);
        return *this;
    }
    ~folder_lock() {
        if (file_ >= 0) ::close(file_);
    }
    /// Whether the folder can be written; false on a full disk.
    bool held() const { return held_; }
    /// The process that has it, where another one does.
    std::string const& owner() const { return owner_; }

    static constexpr char const* name = ".lock";

   private:
    int file_ = -1;
    bool held_ = false;
    std::string owner_;
};
}  // namespace detail

/// The folder that a user means: `~` is the home folder, a slash at the end means nothing, and a link is what it links
/// to.
/// Throws std::invalid_argument for an empty name.
inline std::filesystem::path named_folder(std::string const& name) {
    if (name.empty()) throw std::invalid_argument("--output_dir is empty: name a folder");
    auto folder = io::expand_user(name).lexically_normal();
    if (!folder.has_filename()) folder = folder.parent_path();
    std::error_code error;
    auto const linked =
        std::filesystem::is_symlink(folder, error) ? std::filesystem::weakly_canonical(folder, error) : folder;
    return error ? folder : linked;
}

/// The files in which a run keeps what it was told, a name for each kind of run.
inline constexpr std::array<char const*, 3> run_records{"config_ppo.json", "config_sft.json", "config_reward.json"};

/// What becomes of an earlier run in a folder: it is moved aside; gone on with, where it is resumed; removed, where
/// --overwrite_output_dir says so.
enum class earlier_run { moved_aside, continued, removed };

/// What becomes of an earlier run in OUTPUT_DIR, for a run that is resumed from `checkpoint` or begins anew.
inline earlier_run fate_of_earlier_run(training_options const& config, std::filesystem::path const& folder,
                                       std::optional<std::filesystem::path> const& checkpoint) {
    std::error_code error;
    if (checkpoint && std::filesystem::equivalent(std::filesystem::absolute(*checkpoint).parent_path(), folder, error))
        return earlier_run::continued;
    return config.overwrite_output_dir && !checkpoint ? earlier_run::removed : earlier_run::moved_aside;
}

/// A folder taken for a run: created if need be, proved writable, and locked, so that no two runs share it. The lock
/// ends with the process.
///
/// What an earlier run left there is moved aside, never deleted: one that saved models to FOLDER.previous, or to
/// FOLDER.previous-2 and so on where that name is taken; one that ended before it saved any to FOLDER.unfinished, and
/// so on. Departure: TRL's scripts delete the folder.
/// A folder that holds files but no run of ours is refused, so that `--output_dir ~` harms nobody. Throws
/// std::runtime_error, one sentence, before anything is touched.
class run_directory {
   public:
    explicit run_directory(std::filesystem::path folder, earlier_run becomes = earlier_run::moved_aside) {
        namespace fs = std::filesystem;
        folder_ = named_folder(folder.string());
        std::error_code error;
        if (fs::exists(folder_, error) && !fs::is_directory(folder_, error)) refuse("is a file: name a folder");
        bool const taken = holds_files();
        if (taken && !is_run(folder_))
            refuse("holds files that are not of an earlier run: name an empty or a new folder");
        detail::folder_lock of_earlier = taken ? lock() : detail::folder_lock();
        if (taken && becomes == earlier_run::moved_aside) move_aside();
        if (taken && becomes == earlier_run::removed) remove_content();
        fs::create_directories(folder_, error);
        lock_ = taken && becomes != earlier_run::moved_aside ? std::move(of_earlier) : lock();
    }
    run_directory(run_directory const&) = delete;
    run_directory& operator=(run_directory const&) = delete;
    ~run_directory() {
        std::error_code ignored;
        std::filesystem::remove(folder_ / detail::folder_lock::name, ignored);
    }

    std::filesystem::path const& path() const { return folder_; }
    /// Where an earlier run was moved to, if there was one.
    std::optional<std::filesystem::path> const& earlier() const { return earlier_; }

   private:
    [[noreturn]] void refuse(std::string const& why) const {
        throw std::runtime_error("--output_dir " + folder_.string() + " " + why);
    }
    detail::folder_lock lock() const {
        detail::folder_lock lock(folder_);
        if (!lock.owner().empty())
            refuse("is in use by process " + lock.owner() + ": name another folder, or wait until that run has ended");
        if (!lock.held())
            refuse("cannot be written: choose another folder, or look at its permissions and the disk's free space");
        return lock;
    }
    bool holds_files() const {
        std::error_code error;
        auto const entries = std::filesystem::directory_iterator(folder_, error);
        return !error && std::any_of(begin(entries), end(entries), [](auto const& entry) {
            return entry.path().filename() != detail::folder_lock::name;
        });
    }
    static bool is_run(std::filesystem::path const& folder) {
        for (auto const* const record : run_records)
            if (std::filesystem::exists(folder / record)) return true;
        return std::filesystem::exists(folder / "metrics.jsonl");
    }
    static bool holds_models(std::filesystem::path const& folder) {
        auto const entries = std::filesystem::directory_iterator(folder);
        return std::any_of(begin(entries), end(entries),
                           [](auto const& entry) { return entry.path().extension() == ".safetensors"; });
    }
    void remove_content() const {
        std::error_code error;
        for (auto const& entry : std::filesystem::directory_iterator(folder_))
            if (entry.path().filename() != detail::folder_lock::name) std::filesystem::remove_all(entry.path(), error);
        if (error) refuse("holds an earlier run that cannot be removed (" + error.message() + "): name a new folder");
    }
    void move_aside() {
        namespace fs = std::filesystem;
        std::error_code error;
        std::string const ending = holds_models(folder_) ? ".previous" : ".unfinished";
        auto target = fs::path(folder_).concat(ending);
        for (int n = 2; fs::exists(target, error); ++n)
            target = fs::path(folder_).concat(ending + "-" + std::to_string(n));
        fs::rename(folder_, target, error);
        if (error)
            refuse("holds an earlier run that cannot be moved aside (" + error.message() + "): name a new folder");
        fs::remove(target / detail::folder_lock::name, error);
        earlier_ = target;
    }

    std::filesystem::path folder_;
    std::optional<std::filesystem::path> earlier_;
    detail::folder_lock lock_;
};

}  // namespace proximal::run

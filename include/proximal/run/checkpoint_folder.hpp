// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/content_hash.hpp>
#include <proximal/io/expand_user.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/io/sync.hpp>
#include <proximal/run/training_options.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace proximal::run {

/// The layout of a checkpoint's files that this version writes and reads.
inline constexpr std::int64_t checkpoint_version = 1;

/// The update that a folder's name says, "checkpoint-500"; nothing for other names.
inline std::optional<std::int64_t> update_of_checkpoint(std::filesystem::path const& folder) {
    static constexpr std::string_view prefix = "checkpoint-";
    auto const name = folder.filename().string();
    std::int64_t update = 0;
    auto const* const end = name.data() + name.size();
    if (!name.starts_with(prefix)) return std::nullopt;
    auto const [rest, error] = std::from_chars(name.data() + prefix.size(), end, update);
    return error == std::errc{} && rest == end && update >= 0 ? std::optional(update) : std::nullopt;
}

/// A folder OUTPUT_DIR/checkpoint-N that appears whole or not at all: written beside its place with a manifest of its
/// files, waited for until the disk has it, renamed.
///
///     new_checkpoint checkpoint(output_dir, update);
///     ... files into checkpoint.path() ...
///     checkpoint.commit();
///
/// Without commit(), also when an exception passes, nothing of it remains and an earlier checkpoint-N stays as it was;
/// what a killed process left is removed by the next one. Throws std::runtime_error, naming the file and the reason,
/// where the folder cannot be written.
class new_checkpoint {
   public:
    /// Where the checkpoint of an update stands, and where it is written before: for whoever else writes into it.
    static std::filesystem::path place_of(std::filesystem::path const& output_dir, std::int64_t update) {
        return output_dir / ("checkpoint-" + std::to_string(update));
    }
    static std::filesystem::path part_of(std::filesystem::path const& place) { return place.string() + ".part"; }

    new_checkpoint(std::filesystem::path const& output_dir, std::int64_t update)
        : update_(update), place_(place_of(output_dir, update)), beside_(part_of(place_)) {
        namespace fs = std::filesystem;
        std::error_code error;
        for (auto const& entry : fs::directory_iterator(output_dir, error))
            if (is_left_over(entry.path())) fs::remove_all(entry.path(), error);
        fs::create_directories(beside_, error);
        if (error) fail(error.message());
    }
    new_checkpoint(new_checkpoint const&) = delete;
    new_checkpoint& operator=(new_checkpoint const&) = delete;
    ~new_checkpoint() {
        std::error_code ignored;
        if (!committed_) std::filesystem::remove_all(beside_, ignored);
    }

    /// Where its files are written, sub-folders included.
    std::filesystem::path const& path() const { return beside_; }
    /// Where it will stand.
    std::filesystem::path const& place() const { return place_; }

    void commit() {
        namespace fs = std::filesystem;
        nlohmann::json files = nlohmann::json::object();
        std::vector<fs::path> folders{beside_};
        for (auto const& entry : fs::recursive_directory_iterator(beside_)) {
            if (entry.is_directory()) {
                folders.push_back(entry.path());
                continue;
            }
            files[fs::relative(entry.path(), beside_).generic_string()] = {
                {"size", entry.file_size()}, {"hash", fmt::format("{:016x}", io::content_hash(entry.path()))}};
            io::sync(entry.path());
        }
        io::write_file(
            beside_ / "manifest.json",
            nlohmann::json{{"version", checkpoint_version}, {"update", update_}, {"files", files}}.dump(2) + "\n");
        io::sync(beside_ / "manifest.json");
        for (auto const& folder : folders) io::sync(folder);
        // At no moment is there none of them: an earlier one of this name is swapped out, then removed.
        std::error_code error;
        if (fs::exists(place_, error) &&
            ::renameat2(AT_FDCWD, beside_.c_str(), AT_FDCWD, place_.c_str(), RENAME_EXCHANGE) == 0) {
            fs::remove_all(beside_, error);
        } else {
            fs::remove_all(place_, error);
            fs::rename(beside_, place_, error);
            if (error) fail(error.message());
        }
        committed_ = true;
        io::sync(place_.parent_path());
    }

   private:
    static bool is_left_over(std::filesystem::path const& folder) {
        return folder.extension() == ".part" && update_of_checkpoint(folder.parent_path() / folder.stem());
    }
    [[noreturn]] void fail(std::string const& why) const {
        throw std::runtime_error("the checkpoint " + place_.string() + " cannot be written (" + why +
                                 "): look at the folder's permissions and the disk's free space");
    }

    std::int64_t update_;
    std::filesystem::path place_, beside_;
    bool committed_ = false;
};

/// What is wrong with a checkpoint, in words that follow its name: "is incomplete: ..."; empty where it is whole.
/// `deep` compares every byte with what was written, not the sizes alone.
inline std::string checkpoint_trouble(std::filesystem::path const& folder, bool deep = false) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (!fs::is_directory(folder, error)) return "is no folder";
    if (!fs::exists(folder / "manifest.json", error))
        return "has no manifest.json, so it is no checkpoint of this program, or it was never finished";
    try {
        auto const manifest = io::read_json(folder / "manifest.json");
        auto const version = manifest.is_object() ? io::value_or<std::int64_t>(manifest, "version", 0) : 0;
        if (version == 0) return "has a manifest.json that is damaged";
        if (version != checkpoint_version)
            return fmt::format("is of version {}, and this program reads version {}", version, checkpoint_version);
        for (auto const& [name, said] : manifest.at("files").get<std::map<std::string, nlohmann::json>>()) {
            auto const size = said.at("size").get<std::uintmax_t>();
            if (!fs::exists(folder / name, error)) return "is incomplete: " + name + " is missing";
            if (auto const found = fs::file_size(folder / name, error); error || found != size)
                return fmt::format("is incomplete: {} holds {} bytes of {}", name, found, size);
            if (deep && size > 0 && said.at("hash") != fmt::format("{:016x}", io::content_hash(folder / name)))
                return "is damaged: " + name + " is not what was written";
        }
    } catch (std::exception const&) {
        return "has a manifest.json that is damaged";
    }
    return {};
}

/// The whole checkpoints of a run's folder, in the order of their updates.
inline std::vector<std::filesystem::path> complete_checkpoints(std::filesystem::path const& output_dir) {
    std::map<std::int64_t, std::filesystem::path> found;
    std::error_code error;
    for (auto const& entry : std::filesystem::directory_iterator(output_dir, error))
        if (auto const update = update_of_checkpoint(entry.path()); update && checkpoint_trouble(entry.path()).empty())
            found[*update] = entry.path();
    std::vector<std::filesystem::path> folders;
    folders.reserve(found.size());
    for (auto const& [update, folder] : found) folders.push_back(folder);
    return folders;
}

/// Removes the oldest checkpoints above `limit` (`--save_total_limit`): never the newest, nor `keep`, the best one. As
/// in transformers, `keep` counts among those that stay.
inline void limit_checkpoints(std::filesystem::path const& output_dir, std::int64_t limit,
                              std::filesystem::path const& keep = {}) {
    auto folders = complete_checkpoints(output_dir);
    auto excess = static_cast<std::int64_t>(folders.size()) - std::max<std::int64_t>(1, limit);
    for (std::size_t i = 0; i + 1 < folders.size() && excess > 0; ++i) {
        std::error_code error;
        if (!keep.empty() && folders[i].filename() == keep.filename()) continue;
        std::filesystem::remove_all(folders[i], error);
        --excess;
    }
}

/// The checkpoint that a run goes on from, and what was passed over before it: "checkpoint-6 is incomplete: ...".
struct found_checkpoint {
    std::optional<std::filesystem::path> folder{};
    std::vector<std::string> passed_over{};
};

/// The checkpoint that `--resume_from_checkpoint` names: `true` and `auto` are the last one of OUTPUT_DIR that is whole
/// and not the models alone, anything else a folder. None for `auto` where there is none, and for `false`.
/// Throws std::invalid_argument, one sentence, for `true` where there is none, and for a folder that is no whole
/// checkpoint.
inline found_checkpoint checkpoint_named(std::string const& value, std::filesystem::path const& output_dir) {
    if (value == "false" || value == "False" || value == "none") return {};
    bool const is_auto = value == "auto";
    if (is_auto || value == "true" || value == "True") {
        std::map<std::int64_t, std::filesystem::path, std::greater<>> latest_first;
        std::error_code error;
        for (auto const& entry : std::filesystem::directory_iterator(output_dir, error))
            if (auto const update = update_of_checkpoint(entry.path())) latest_first[*update] = entry.path();
        found_checkpoint found;
        for (auto const& [update, folder] : latest_first) {
            auto trouble = checkpoint_trouble(folder, /*deep=*/true);
            if (trouble.empty() && !std::filesystem::exists(folder / "state.json"))
                trouble = "holds the models alone (--save_only_model)";
            if (trouble.empty()) {
                found.folder = folder;
                return found;
            }
            found.passed_over.push_back(folder.filename().string() + " " + trouble);
        }
        if (is_auto) return found;
        throw std::invalid_argument("--resume_from_checkpoint true: " + output_dir.string() +
                                    " holds no whole checkpoint; name a folder, or say auto to begin anew");
    }
    auto const folder = io::expand_user(value);
    if (auto const trouble = checkpoint_trouble(folder, /*deep=*/true); !trouble.empty()) {
        auto const inside = complete_checkpoints(folder);
        throw std::invalid_argument(
            "--resume_from_checkpoint " + value + " " + trouble + ": " +
            (inside.empty() ? "name a folder checkpoint-N of an earlier run, or say auto"
                            : "it is a run's folder; name a checkpoint of it, as " + inside.back().string()));
    }
    return {folder, {}};
}
/// The checkpoint from which a configuration's run is resumed, if it is.
inline found_checkpoint checkpoint_of(training_options const& config, std::filesystem::path const& output_dir) {
    return config.resume_from_checkpoint ? checkpoint_named(*config.resume_from_checkpoint, output_dir)
                                         : found_checkpoint{};
}

}  // namespace proximal::run

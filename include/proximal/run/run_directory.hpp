// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace proximal::run {

/// Takes a folder for a run: creates it, proves that it can be written, and moves what an earlier run left in it to
/// `FOLDER.previous` (replacing the one before). Gives whether something was moved.
///
/// Departure: TRL's scripts delete the folder. A folder that holds files but no run (no metrics.jsonl) is refused, so
/// that `--output_dir ~` harms nobody. Throws std::runtime_error, one sentence, before anything is touched.
inline bool claim_run_directory(std::filesystem::path const& folder) {
    namespace fs = std::filesystem;
    auto const refuse = [&](std::string const& why) {
        throw std::runtime_error("--output_dir " + folder.string() + " " + why);
    };
    std::error_code error;
    if (fs::exists(folder, error) && !fs::is_directory(folder, error)) refuse("is a file: name a folder");
    bool moved = false;
    if (fs::exists(folder, error) && !fs::is_empty(folder, error)) {
        if (!fs::exists(folder / "metrics.jsonl"))
            refuse("holds files that are not of an earlier run: name an empty or a new folder");
        if (::access(folder.c_str(), W_OK) != 0)
            refuse("cannot be written: choose another folder, or change its permissions");
        auto const previous = fs::path(folder).concat(".previous");
        fs::remove_all(previous, error);
        fs::rename(folder, previous, error);
        if (error)
            refuse("holds an earlier run that cannot be moved aside (" + error.message() + "): name a new folder");
        moved = true;
    }
    fs::create_directories(folder, error);
    auto const probe = folder / ".probe";
    std::ofstream out(probe);
    out << "x";
    out.close();
    if (error || !out) refuse("cannot be written: choose another folder, or change its permissions");
    fs::remove(probe, error);
    return moved;
}

}  // namespace proximal::run

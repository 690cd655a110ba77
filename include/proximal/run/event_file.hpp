// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <proximal/io/atomic_file.hpp>
#include <proximal/io/growing_file.hpp>
#include <proximal/run/protobuf_message.hpp>
#include <proximal/run/tf_record.hpp>
#include <proximal/text/utf8.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::run {

namespace detail {
/// The step of an Event; nothing where the bytes are none.
inline std::optional<std::int64_t> event_step(std::string_view event) {
    auto const fields = protobuf_fields(event);
    if (!fields) return std::nullopt;
    for (auto const& field : *fields)
        if (field.number == 2) return static_cast<std::int64_t>(field.integer);
    return 0;
}

/// Leaves the events of an event file that are whole and not after a step.
inline void keep_events(std::filesystem::path const& path, std::int64_t last_step) {
    std::ifstream in(path, std::ios::binary);
    std::string const file(std::istreambuf_iterator<char>(in), {});
    std::string kept;
    for (auto const event : tf_records(file))
        if (auto const step = event_step(event); step && *step <= last_step) kept += tf_record(event);
    if (kept != file) io::write_file(path, kept);
}
}  // namespace detail

/// A TensorBoard log: `tensorboard --logdir FOLDER` shows it while the run goes on.
///
/// A file of TFRecords, each an Event that holds what is logged of a step. Source: util/event.proto and
/// framework/summary.proto of tensorflow/core. Throws std::runtime_error where it cannot be written.
class event_file {
   public:
    /// A new file in the folder.
    explicit event_file(std::filesystem::path const& folder) {
        std::filesystem::create_directories(folder);
        begin(folder);
    }
    /// Goes on with the folder's latest file, after `last_step`: what lies beyond it in any of its files is dropped, a
    /// half-written record too. Where it has none, a new file.
    event_file(std::filesystem::path const& folder, std::int64_t last_step) {
        std::filesystem::create_directories(folder);
        for (auto const& entry : std::filesystem::directory_iterator(folder)) {
            if (!entry.path().filename().string().starts_with(prefix) ||
                entry.path().filename().string().find(".part-") != std::string::npos)
                continue;
            detail::keep_events(entry.path(), last_step);
            path_ = std::max(path_, entry.path());
        }
        if (path_.empty() || std::filesystem::file_size(path_) == 0) {
            begin(folder);
            return;
        }
        out_.open(path_, std::ios::app);
        out_.begins_with(tf_record(version().encoded()));
    }

    /// Logs named numbers (any range of pairs) at a step.
    void scalars(std::int64_t step, auto const& named_numbers) {
        protobuf_message summary;
        for (auto const& [name, number] : named_numbers) {
            protobuf_message value;
            value.bytes(1, name);
            value.number(2, static_cast<float>(number));
            summary.bytes(1, value.encoded());
        }
        write(step, summary);
    }

    /// Logs a text at a step; TensorBoard reads it as Markdown. Broken UTF-8 becomes U+FFFD.
    void text(std::int64_t step, std::string_view name, std::string_view markdown) {
        protobuf_message plugin, metadata, tensor, value, summary;
        plugin.bytes(1, "text");
        metadata.bytes(1, plugin.encoded());
        tensor.integer(1, 7);  // DT_STRING
        tensor.bytes(2, "");   // the shape of a scalar
        tensor.bytes(8, text::utf8::lossy(markdown));
        value.bytes(1, name);
        value.bytes(9, metadata.encoded());
        value.bytes(8, tensor.encoded());
        summary.bytes(1, value.encoded());
        write(step, summary);
    }

    /// Logs how numbers are distributed at a step, in `buckets` of equal width between the smallest and the largest.
    /// Those that are not finite are left out; nothing is logged where none is left.
    void histogram(std::int64_t step, std::string_view name, std::vector<double> numbers, int buckets = 30) {
        std::erase_if(numbers, [](double x) { return !std::isfinite(x); });
        if (numbers.empty()) return;
        auto const [least, most] = std::minmax_element(numbers.begin(), numbers.end());
        double const low = *least, high = *most, width = (high - low) / buckets;
        std::vector<double> limits, counts(static_cast<std::size_t>(buckets), 0.0);
        // above every number, as a bucket ends before its limit
        for (int i = 1; i <= buckets; ++i)
            limits.push_back(i < buckets ? low + width * i : std::nextafter(high, HUGE_VAL));
        double sum = 0.0, squares = 0.0;
        for (double const x : numbers) {
            auto const bucket = width > 0.0 ? std::min(buckets - 1, static_cast<int>((x - low) / width)) : buckets - 1;
            counts[static_cast<std::size_t>(bucket)] += 1.0;
            sum += x;
            squares += x * x;
        }
        protobuf_message proto, value, summary;
        proto.number(1, low);
        proto.number(2, high);
        proto.number(3, static_cast<double>(numbers.size()));
        proto.number(4, sum);
        proto.number(5, squares);
        proto.numbers(6, limits);
        proto.numbers(7, counts);
        value.bytes(1, name);
        value.bytes(5, proto.encoded());
        summary.bytes(1, value.encoded());
        write(step, summary);
    }

    /// Where the events are written.
    std::filesystem::path const& path() const { return path_; }

   private:
    static constexpr char const* prefix = "events.out.tfevents.";

    static double now() {
        return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    }
    void begin(std::filesystem::path const& folder) {
        char host[256] = "localhost";
        ::gethostname(host, sizeof host - 1);
        path_ = folder / (prefix + std::to_string(static_cast<std::int64_t>(now())) + "." + host + "." +
                          std::to_string(::getpid()));
        out_.open(path_, std::ios::trunc);
        out_.begins_with(tf_record(version().encoded()));
        record(version());
    }
    /// What an event file begins with.
    static protobuf_message version() {
        protobuf_message version;
        version.number(1, now());
        version.bytes(3, "brain.Event:2");
        return version;
    }
    void write(std::int64_t step, protobuf_message const& summary) {
        protobuf_message event;
        event.number(1, now());
        event.integer(2, static_cast<std::uint64_t>(step));
        event.bytes(5, summary.encoded());
        record(event);
    }
    void record(protobuf_message const& event) { out_.write(tf_record(event.encoded())); }

    std::filesystem::path path_;
    io::growing_file out_;
};

}  // namespace proximal::run

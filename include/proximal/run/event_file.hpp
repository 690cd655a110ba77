// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::run {

/// Appends fields to a Protocol Buffers message. Source: protobuf.dev/programming-guides/encoding.
class protobuf_message {
   public:
    /// A varint field.
    void integer(int field, std::uint64_t value) { varint(static_cast<std::uint64_t>(field) << 3 | 0), varint(value); }
    /// A 64-bit field.
    void number(int field, double value) { fixed(field, 1, value); }
    /// A 32-bit field.
    void number(int field, float value) { fixed(field, 5, value); }
    /// A field of bytes: text, or another message.
    void bytes(int field, std::string_view value) {
        varint(static_cast<std::uint64_t>(field) << 3 | 2);
        varint(value.size());
        encoded_.append(value);
    }
    /// The message so far.
    std::string const& encoded() const { return encoded_; }

   private:
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) encoded_.push_back(static_cast<char>(value | 0x80));
        encoded_.push_back(static_cast<char>(value));
    }
    template <class T>
    void fixed(int field, int wire_type, T value) {
        static_assert(std::endian::native == std::endian::little);
        varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire_type));
        encoded_.append(reinterpret_cast<char const*>(&value), sizeof value);
    }
    std::string encoded_;
};

/// CRC-32C (Castagnoli), the checksum of TFRecord files: reflected polynomial 0x82F63B78.
inline std::uint32_t crc32c(std::string_view data) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> entries{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t crc = i;
            for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
            entries[i] = crc;
        }
        return entries;
    }();
    std::uint32_t crc = ~0u;
    for (char c : data) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
    return ~crc;
}

/// A TensorBoard log of scalars: `tensorboard --logdir FOLDER` draws them while the run goes on.
///
/// A file of TFRecords (length, masked checksum, Event message, masked checksum); each Event holds a step's scalars.
/// Source: tensorflow/core/lib/io/record_writer.h and util/event.proto. Throws std::runtime_error where it cannot be
/// written.
class event_file {
   public:
    explicit event_file(std::filesystem::path const& folder) {
        std::filesystem::create_directories(folder);
        char host[256] = "localhost";
        ::gethostname(host, sizeof host - 1);
        path_ = folder / ("events.out.tfevents." + std::to_string(static_cast<std::int64_t>(now())) + "." + host + "." +
                          std::to_string(::getpid()));
        out_.open(path_, std::ios::binary);
        protobuf_message version;
        version.number(1, now());
        version.bytes(3, "brain.Event:2");
        record(version.encoded());
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
        protobuf_message event;
        event.number(1, now());
        event.integer(2, static_cast<std::uint64_t>(step));
        event.bytes(5, summary.encoded());
        record(event.encoded());
    }

    /// Where the events are written.
    std::filesystem::path const& path() const { return path_; }

   private:
    static double now() {
        return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    }
    static std::string masked_checksum(std::string_view data) {
        std::uint32_t const crc = crc32c(data), masked = (crc >> 15 | crc << 17) + 0xA282EAD8u;
        return {reinterpret_cast<char const*>(&masked), sizeof masked};
    }
    void record(std::string const& event) {
        std::uint64_t const size = event.size();
        std::string const length(reinterpret_cast<char const*>(&size), sizeof size);
        out_ << length << masked_checksum(length) << event << masked_checksum(event) << std::flush;
        if (!out_) throw std::runtime_error(path_.string() + " cannot be written: check permissions and free space");
    }

    std::filesystem::path path_;
    std::ofstream out_;
};

}  // namespace proximal::run

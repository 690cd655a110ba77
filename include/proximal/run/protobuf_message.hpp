// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    /// A field of 64-bit numbers, packed: a histogram's limits.
    void numbers(int field, std::vector<double> const& values) {
        std::string packed(values.size() * sizeof(double), '\0');
        if (!values.empty()) std::memcpy(packed.data(), values.data(), packed.size());
        bytes(field, packed);
    }
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

/// The fields of a Protocol Buffers message, in order: what a varint says, or the bytes of any other field. Nothing
/// where the bytes are no message.
struct protobuf_field {
    int number;
    std::uint64_t integer;
    std::string_view bytes;
};
inline std::optional<std::vector<protobuf_field>> protobuf_fields(std::string_view message) {
    std::vector<protobuf_field> fields;
    bool whole = true;
    auto const varint = [&] {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (message.empty()) break;
            auto const byte = static_cast<unsigned char>(message.front());
            message.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
        whole = false;
        return value;
    };
    while (whole && !message.empty()) {
        auto const key = varint();
        protobuf_field field{static_cast<int>(key >> 3), 0, {}};
        std::uint64_t size = 0;
        switch (key & 7) {
            case 0:
                field.integer = varint();
                break;
            case 1:
                size = 8;
                break;
            case 2:
                size = varint();
                break;
            case 5:
                size = 4;
                break;
            default:
                whole = false;
        }
        if (size > message.size()) whole = false;
        if (!whole) break;
        field.bytes = message.substr(0, size);
        message.remove_prefix(size);
        fields.push_back(field);
    }
    if (!whole) return std::nullopt;
    return fields;
}

}  // namespace proximal::run

// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/run/event_file.hpp>
#include <proximal/run/metrics.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::run;

TEST_CASE("event_file: records are framed with masked checksums, one per step") {
    support::temporary_folder const folder;
    std::filesystem::path path;
    {
        event_file file(folder.path / "runs");
        metrics numbers;
        numbers.set("objective/kl", 0.5);
        file.scalars(64, numbers);
        path = file.path();
    }
    CHECK(path.filename().string().starts_with("events.out.tfevents."));
    std::ifstream in(path, std::ios::binary);
    std::string const all(std::istreambuf_iterator<char>(in), {});
    std::vector<std::string> events;
    for (std::size_t at = 0; at < all.size();) {
        std::uint64_t size = 0;
        std::uint32_t masked = 0;
        std::memcpy(&size, all.data() + at, 8);
        auto const unmask = [](std::uint32_t m) {
            std::uint32_t const r = m - 0xA282EAD8u;
            return r >> 17 | r << 15;
        };
        std::memcpy(&masked, all.data() + at + 8, 4);
        CHECK(unmask(masked) == crc32c(std::string_view(all).substr(at, 8)));
        events.push_back(all.substr(at + 12, size));
        std::memcpy(&masked, all.data() + at + 12 + size, 4);
        CHECK(unmask(masked) == crc32c(events.back()));
        at += 16 + size;
    }
    REQUIRE(events.size() == 2);
    CHECK(events[0].find("brain.Event:2") != std::string::npos);
    CHECK(events[1].find("objective/kl") != std::string::npos);
    CHECK(events[1].find(std::string("\x00\x00\x00\x3f", 4)) != std::string::npos);  // 0.5f
    CHECK(events[1].find("\x10\x40") != std::string::npos);                          // step 64
}

namespace {
std::string bytes_of(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
std::vector<std::int64_t> steps_of(std::filesystem::path const& path) {
    auto const bytes = bytes_of(path);
    std::vector<std::int64_t> steps;
    for (auto const event : tf_records(bytes)) steps.push_back(proximal::run::detail::event_step(event).value());
    return steps;
}
metrics reward_of(double value) {
    metrics numbers;
    numbers.set("reward", value);
    return numbers;
}
}  // namespace

TEST_CASE("event_file: one that is deleted while it is written begins with the version again, of a resumed run too") {
    for (bool const is_resumed : {false, true}) {
        support::temporary_folder const folder;
        { event_file first(folder.path); }
        auto log =
            is_resumed ? std::make_unique<event_file>(folder.path, 5) : std::make_unique<event_file>(folder.path);
        std::filesystem::remove(log->path());
        log->scalars(6, std::vector<std::pair<std::string, double>>{{"loss", 1.0}});
        std::ifstream in(log->path(), std::ios::binary);
        std::string const file(std::istreambuf_iterator<char>(in), {});
        auto const events = tf_records(file);
        REQUIRE(events.size() == 2);
        CHECK(events[0].find("brain.Event:2") != std::string_view::npos);
    }
}

TEST_CASE("event_file: a resumed run goes on in the same file, what lies beyond and what is half-written is gone") {
    support::temporary_folder const folder;
    std::filesystem::path path;
    {
        event_file file(folder.path);
        for (int step : {8, 16, 24}) file.scalars(step, reward_of(step));
        path = file.path();
    }
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3);
    std::ofstream(folder.path / "notes.txt") << "mine";
    {
        event_file file(folder.path, 8);
        CHECK(file.path() == path);
        file.scalars(16, reward_of(160));
    }
    CHECK(steps_of(path) == std::vector<std::int64_t>{0, 8, 16});
    CHECK(bytes_of(folder.path / "notes.txt") == "mine");
}

TEST_CASE("event_file: nothing to drop leaves the file as it was; no file, or a damaged one, begins a new one") {
    support::temporary_folder const folder;
    std::filesystem::path path;
    {
        event_file file(folder.path / "a", 8);
        file.scalars(8, reward_of(1));
        path = file.path();
    }
    auto const before = bytes_of(path);
    { event_file const file(folder.path / "a", 8); }
    CHECK(bytes_of(path) == before);
    std::ofstream(path) << "no records";
    { event_file const file(folder.path / "a", 8); }
    std::size_t whole = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder.path / "a"))
        whole += steps_of(entry.path()).size();
    CHECK(whole == 1);
}

TEST_CASE("event_file: histograms hold every finite number once") {
    support::temporary_folder const folder;
    event_file file(folder.path);
    file.histogram(4, "h", {1.0, 1.0, 3.0, std::nan("")}, 2);
    file.histogram(5, "h", {7.0}, 2);
    file.histogram(6, "h", {std::nan("")}, 2);
    auto const bytes = bytes_of(file.path());
    auto const events = tf_records(bytes);
    REQUIRE(events.size() == 3);
    auto const inside = [](std::string_view message, int number) {
        auto const fields = protobuf_fields(message).value();
        for (auto const& field : fields)
            if (field.number == number) return field.bytes;
        return std::string_view();
    };
    auto const counts = [&](std::size_t i) {
        auto const packed = inside(inside(inside(inside(events[i], 5), 1), 5), 7);
        std::vector<double> numbers(packed.size() / 8);
        std::memcpy(numbers.data(), packed.data(), packed.size());
        return numbers;
    };
    CHECK(counts(1) == std::vector<double>{2, 1});
    CHECK(counts(2) == std::vector<double>{0, 1});
}

TEST_CASE("event_file: PyPI's tensorboard reads back what was written, also after a resume") {
    char const* const named = std::getenv("PROXIMAL_TENSORBOARD_PYTHON");
    std::string const python = named != nullptr ? named : "python3";
    if (std::system((python + " -c 'import tensorboard' 2>/dev/null").c_str()) != 0) {
        WARN("tensorboard is not importable by " + python + ": what it reads was not checked");
        return;
    }
    support::temporary_folder const folder;
    {
        event_file file(folder.path / "runs");
        file.scalars(8, reward_of(0.5));
        file.text(8, "samples", "| a |\n|---|\n| b |\n");
        file.histogram(8, "scores", {1.0, 2.0, 3.0});
        file.scalars(16, reward_of(0.7));
    }
    event_file(folder.path / "runs", 8).scalars(16, reward_of(0.75));
    std::ofstream(folder.path / "read.py") << R"(
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
seen = EventAccumulator(sys.argv[1])
seen.Reload()
tags = seen.Tags()
tensors = {tag: seen.Tensors(tag) for tag in tags["tensors"]}
print(json.dumps({
    "scalars": {tag: [[e.step, e.value] for e in seen.Scalars(tag)] for tag in tags["scalars"]},
    "text": [[e.step, e.tensor_proto.string_val[0].decode()] for e in tensors.get("samples", [])],
    "plugin": seen.SummaryMetadata("samples").plugin_data.plugin_name,
    "histogram": [[e.step, e.histogram_value.min, e.histogram_value.max, e.histogram_value.num]
                  for e in seen.Histograms("scores")],
}))
)";
    auto const command = python + " " + (folder.path / "read.py").string() + " " + (folder.path / "runs").string() +
                         " > " + (folder.path / "said").string() + " 2> " + (folder.path / "errors").string();
    bool const ran = std::system(command.c_str()) == 0;
    INFO(bytes_of(folder.path / "errors"));
    REQUIRE(ran);
    auto const said = nlohmann::json::parse(bytes_of(folder.path / "said"));
    CHECK(said["scalars"] == nlohmann::json::parse(R"({"reward": [[8, 0.5], [16, 0.75]]})"));
    CHECK(said["text"] == nlohmann::json::parse(R"([[8, "| a |\n|---|\n| b |\n"]])"));
    CHECK(said["plugin"] == "text");
    CHECK(said["histogram"] == nlohmann::json::parse("[[8, 1.0, 3.0, 3.0]]"));
}

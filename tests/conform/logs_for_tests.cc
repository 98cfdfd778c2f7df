#include "tests/conform/logs_for_tests.h"

#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "gtest/gtest.h"

namespace heapsim::conform_tests {
namespace {

constexpr char kFolder[] = "tests/conform/testdata";

std::string Decompress(const std::string& bytes) {
  std::string text;
  std::vector<char> buffer(1 << 16);
  ZSTD_DStream* stream = ZSTD_createDStream();
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  while (in.pos < in.size) {
    ZSTD_outBuffer out = {buffer.data(), buffer.size(), 0};
    if (ZSTD_isError(ZSTD_decompressStream(stream, &out, &in)))
      throw std::runtime_error("a shipped log is damaged");
    text.append(buffer.data(), out.pos);
  }
  ZSTD_freeDStream(stream);
  return text;
}

}  // namespace

std::vector<std::string> LogPaths(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string LogPath(const std::string& name) {
  return std::string(kFolder) + "/" + name + ".txt.zst";
}

std::vector<std::string> LogLines(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text(Decompress(ReadBytes(path)));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string WriteLog(const std::string& name, const std::vector<std::string>& lines) {
  std::string bytes;
  for (const std::string& line : lines) bytes.append(line).append("\n");
  return WriteBytes(name, bytes);
}

std::string WriteBytes(const std::string& name, const std::string& bytes) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

}  // namespace heapsim::conform_tests

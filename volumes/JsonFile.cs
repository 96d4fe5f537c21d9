// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Reads JSON that users or other programs wrote, with errors that name the file.</summary>
internal static class JsonFile
{
    /// <summary>Metadata above this size is not metadata.</summary>
    private const long MaxBytes = 64 << 20;

    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The object in the file.</summary>
    /// <exception cref="InputException">The file is missing, too large, not JSON, or not an object.</exception>
    public static JsonObject ReadObject(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
                throw new InputException($"{path} is larger than 64 MiB; this is not a metadata file");
            return JsonNode.Parse(File.ReadAllBytes(path), documentOptions: Lenient) as JsonObject
                ?? throw new InputException($"{path}: expected a JSON object");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path} does not exist", e);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is not valid JSON: {e.Message}", e);
        }
    }
}

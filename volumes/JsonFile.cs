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

    // Of a field that is there twice, readers take one or the other: it is refused.
    private static readonly JsonDocumentOptions Lenient = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        AllowDuplicateProperties = false,
    };

    /// <summary>The object in the file.</summary>
    /// <exception cref="InputException">The file is missing, too large, not JSON, or not an object.</exception>
    public static JsonObject ReadObject(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
                throw new InputException($"{path} is larger than 64 MiB; this is not a metadata file");
            var bytes = File.ReadAllBytes(path);
            CheckTexts(bytes);
            return JsonNode.Parse(bytes, documentOptions: Lenient) as JsonObject
                ?? throw new InputException($"{path}: expected a JSON object");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path} does not exist", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InputException($"{path} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads every name and text, which is else done when one is asked for: half a character is an error then, too.</summary>
    private static void CheckTexts(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { AllowTrailingCommas = Lenient.AllowTrailingCommas, CommentHandling = Lenient.CommentHandling });
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
                reader.GetString();
        }
    }
}

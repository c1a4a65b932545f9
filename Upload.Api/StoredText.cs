namespace Upload.Api;

public static class StoredText
{
    /// <summary>True for what Postgres takes as text: no control characters (it refuses NUL) and no half surrogate pairs.</summary>
    public static bool IsText(this string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            // A half pair is enumerated as the replacement character; that one itself is no text that anybody means.
            if (System.Text.Rune.IsControl(rune) || rune == System.Text.Rune.ReplacementChar)
            {
                return false;
            }
        }

        return true;
    }
}

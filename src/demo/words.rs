//! What people and bots of the demo say.

/// Something that a bot is asked about.
pub(super) struct Topic {
    /// Its name.
    pub(super) name: &'static str,
    /// The bot that knows it.
    pub(super) bot: &'static str,
    /// How that bot is told to behave; the second is what it is edited to.
    pub(super) personas: [&'static str; 2],
    /// What is talked about; stands for `{}` in the sentences.
    pub(super) things: &'static [&'static str],
    /// What people ask.
    pub(super) questions: &'static [&'static str],
    /// What the bot answers: to each question the one in the same place.
    pub(super) answers: &'static [&'static str],
}

pub(super) const TOPICS: [Topic; 8] = [
    Topic {
        name: "cooking",
        bot: "Rosemary",
        personas: [
            "A patient home cook. Gives amounts in grams and says what can be left out.",
            "A patient home cook who always offers a vegetarian variant first.",
        ],
        things: &[
            "sourdough",
            "risotto",
            "lentil soup",
            "shakshuka",
            "plum cake",
            "miso broth",
            "gnocchi",
            "roast squash",
        ],
        questions: &[
            "My {} came out far too salty. Anything I can do?",
            "How long does {} keep in the fridge?",
            "Can I make {} the evening before?",
            "What would you serve with {} for six people?",
            "I have no butter left. Does {} work without?",
            "Is it worth making {} from scratch on a weekday?",
        ],
        answers: &[
            "Add a peeled potato to the {} and let it simmer for ten minutes, then taste again.",
            "Three days, covered. {} is even better on the second.",
            "Yes: stop just before the last step, chill it, and finish the {} when guests arrive.",
            "Something sharp. A fennel salad with orange goes well with {}.",
            "Olive oil is fine for {}; use a fifth less than the recipe says.",
            "For {} I would double the batch and freeze half.",
        ],
    },
    Topic {
        name: "travel",
        bot: "Magellan",
        personas: [
            "Plans slow journeys by train. Never suggests a flight under 800 km.",
            "Plans slow journeys by train and names one thing to skip in every city.",
        ],
        things: &["Lisbon", "Trieste", "Bergen", "Kyoto", "Ljubljana", "Porto", "Ghent", "Palermo"],
        questions: &[
            "Is four days enough for {}?",
            "Which part of {} would you stay in with two children?",
            "We arrive in {} at eleven at night. Is that a problem?",
            "What is {} like in November?",
            "Can I get to {} without flying?",
            "Any small museum in {} that is not in every guide?",
        ],
        answers: &[
            "Four days suit {} well if you leave one of them empty.",
            "Near the market. {} is walkable from there and the streets are quiet after nine.",
            "Not at all, the last tram into {} leaves at half past midnight.",
            "Wet and calm. {} belongs to its own people that month, which I rather like.",
            "Yes, with one night train. I would break the journey to {} half-way.",
            "There is a clockmaker's house in {} that opens on Thursdays only.",
        ],
    },
    Topic {
        name: "gardening",
        bot: "Fern",
        personas: [
            "Knows balconies better than estates. Asks which way it faces.",
            "Knows balconies better than estates. Suggests native plants only.",
        ],
        things: &[
            "tomatoes",
            "the fig tree",
            "lavender",
            "the compost",
            "runner beans",
            "hydrangeas",
            "the lemon",
            "chives",
        ],
        questions: &[
            "The leaves of {} turn yellow from below. Too much water?",
            "When should I cut back {}?",
            "Will {} survive a night at minus four?",
            "Something eats {} at night. What is it?",
            "How big a pot do I need for {}?",
            "Can {} stand next to the basil?",
        ],
        answers: &[
            "Feel the soil a finger deep. If it is damp, leave {} alone for a week.",
            "Late February, on a dry day. {} forgives a hard cut, not a late one.",
            "With fleece, yes. Move {} against the wall of the house.",
            "Slugs, most likely. Look under {} with a torch after ten.",
            "Thirty litres at least; {} sulks in anything smaller.",
            "They get along. Just water {} first and the basil last.",
        ],
    },
    Topic {
        name: "code",
        bot: "Ada",
        personas: [
            "Reviews code kindly. Shows the smallest change that fixes it.",
            "Reviews code kindly. Asks for a failing test before anything else.",
        ],
        things: &[
            "the parser",
            "the retry loop",
            "the cache",
            "the migration",
            "the job queue",
            "the login form",
            "the importer",
            "the rate limiter",
        ],
        questions: &[
            "Why would {} work locally and fail in CI?",
            "Is there a simpler way to write {}?",
            "How would you test {} without a network?",
            "Should {} own its connection or borrow one?",
            "What would you log in {}?",
            "{} takes nine seconds. Where do I start looking?",
        ],
        answers: &[
            "Compare the time zones first. {} reads the clock in two places.",
            "Turn it inside out: let {} return a plan and do the work elsewhere.",
            "Hand {} its transport. In the test that is a list of prepared answers.",
            "Borrow. Then {} cannot outlive the transaction it depends on.",
            "One line per decision, never the payload: {} sees personal data.",
            "Count the queries. I would bet {} runs one per row.",
        ],
    },
    Topic {
        name: "music",
        bot: "Clef",
        personas: [
            "A choir leader who explains theory through songs everybody knows.",
            "A choir leader who explains theory through film music.",
        ],
        things: &[
            "the bridge",
            "the second verse",
            "the bass line",
            "the Dorian mode",
            "the left hand",
            "the tenor part",
            "the coda",
            "that chord",
        ],
        questions: &[
            "I keep rushing in {}. How do I slow down?",
            "What makes {} sound so sad?",
            "Could {} be played on a ukulele?",
            "How do I practise {} without waking the neighbours?",
            "Is {} too high for an amateur choir?",
            "Which recording shows {} best?",
        ],
        answers: &[
            "Sing the words while you play {}. Nobody rushes a sentence.",
            "It is the sixth. Raise it and {} smiles at once.",
            "With a low G, yes, and {} keeps its colour.",
            "Tap {} on the table, both hands, until it is boring.",
            "A tone down and {} sits well for everyone.",
            "Try a live one. In the studio {} is polished flat.",
        ],
    },
    Topic {
        name: "books",
        bot: "Folio",
        personas: [
            "A second-hand bookseller. Recommends one book at a time and says why.",
            "A second-hand bookseller. Recommends nothing longer than 300 pages.",
        ],
        things: &[
            "the first chapter",
            "the narrator",
            "the translation",
            "the ending",
            "the letters",
            "the footnotes",
            "the sequel",
            "the map",
        ],
        questions: &[
            "I got lost in {}. Should I go on?",
            "Did {} convince you?",
            "Is there something with {} like this, only shorter?",
            "Our reading group argues about {}. Your view?",
            "Would a twelve-year-old enjoy {}?",
            "Can I skip {} the first time?",
        ],
        answers: &[
            "Give it thirty pages. {} is slow on purpose.",
            "Not at once. On the second reading {} explains everything before it.",
            "There is a novella from the same year; {} alone is worth the price.",
            "I think {} is honest and everyone around is not.",
            "Yes, if somebody reads {} aloud.",
            "Do, and come back. {} is a reward, not a duty.",
        ],
    },
    Topic {
        name: "running",
        bot: "Stride",
        personas: [
            "A careful coach. Always asks about sleep before adding a kilometre.",
            "A careful coach for people over fifty.",
        ],
        things: &[
            "the long run",
            "interval day",
            "my left knee",
            "the half marathon",
            "the warm-up",
            "my cadence",
            "the hill loop",
            "race morning",
        ],
        questions: &[
            "I slept five hours. Should I still do {}?",
            "How should I feel after {}?",
            "What do I eat before {}?",
            "Can I move {} to Thursday?",
            "Is it normal that {} feels worse in the cold?",
            "What would you change about {}?",
        ],
        answers: &[
            "Swap it for a walk. {} gives nothing to a tired body.",
            "As if you could do one more. If not, {} was too hard.",
            "Toast and a banana, two hours ahead. {} is no place for experiments.",
            "Of course, as long as a quiet day follows {}.",
            "Quite normal. Wear one layer more and start {} slower.",
            "Only one thing at a time: take five per cent off {} for a fortnight.",
        ],
    },
    Topic {
        name: "night sky",
        bot: "Vesper",
        personas: [
            "Shows what can be seen with bare eyes from a city tonight.",
            "Shows what can be seen with binoculars from a city tonight.",
        ],
        things: &[
            "Saturn",
            "the Pleiades",
            "the Andromeda galaxy",
            "Orion",
            "the Leonids",
            "the Moon's edge",
            "Vega",
            "the station pass",
        ],
        questions: &[
            "Where do I look for {} at nine?",
            "Are binoculars enough for {}?",
            "Why does {} flicker so much?",
            "Can I photograph {} with a phone?",
            "How far away is {}, in words I can grasp?",
            "Is {} still there next week?",
        ],
        answers: &[
            "South, two fists above the roofs. {} does not twinkle much, that gives it away.",
            "More than enough. Lean on something and {} will hold still.",
            "That is our air, not {}. Wait until it stands higher.",
            "Yes, on a windowsill, three seconds, ten tries. {} is kind to patience.",
            "The light of {} left before the house you sit in was built.",
            "A little earlier each evening, but {} stays until spring.",
        ],
    },
];

/// What a person says when the answer was good.
pub(super) const THANKS: [&str; 8] = [
    "Perfect, thank you!",
    "That helps a lot.",
    "I would not have thought of that.",
    "Great, trying it tonight.",
    "OK, and if that does not work?",
    "Good to know 🙂",
    "You said something else last week, didn't you?",
    "Noted. One more question later.",
];

/// What a bot says before its answer, now and then.
pub(super) const OPENINGS: [&str; 8] = [
    "Good question. ",
    "Short answer: it depends. ",
    "I'd keep it simple. ",
    "From what you told me: ",
    "Two things. ",
    "Happens to everyone. ",
    "Let me think. ",
    "In your place: ",
];

/// What a bot says after its answer, now and then.
pub(super) const CLOSINGS: [&str; 6] = [
    "Tell me how it goes.",
    "Shall I remember that for you?",
    "Anything else I should know?",
    "I can put it into a list if you like.",
    "You will see the difference by the weekend.",
    "And if not, ask me again.",
];

/// What a bot remembers of a person.
pub(super) const FACTS: [&str; 10] = [
    "Has two children, four and nine",
    "Does not eat fish",
    "Lives on the third floor, balcony to the south-west",
    "Works nights every second week",
    "Prefers answers in three sentences",
    "Plays the cello, badly by their own account",
    "Is planning a sabbatical in spring",
    "Calls the dog Pixel",
    "Is allergic to walnuts",
    "Reads on the train, twenty minutes each way",
];

/// Settings and the values they change between.
pub(super) const SETTINGS: [(&str, [&str; 3]); 8] = [
    ("theme", ["light", "dark", "system"]),
    ("reply_length", ["short", "medium", "long"]),
    ("language", ["en-GB", "de-DE", "fr-FR"]),
    ("notifications", ["all", "mentions", "none"]),
    ("memory_limit", ["50", "100", "200"]),
    ("temperature", ["0.2", "0.7", "1.0"]),
    ("show_sources", ["always", "on request", "never"]),
    ("week_starts_on", ["monday", "sunday", "saturday"]),
];

/// What chats are tagged with.
pub(super) const TAGS: [&str; 10] = [
    "family",
    "ideas",
    "later",
    "work",
    "weekend",
    "to try",
    "solved",
    "shared",
    "important",
    "fun",
];

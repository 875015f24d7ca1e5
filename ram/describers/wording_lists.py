"""The closed word lists behind the wording of prompts: what people tag pictures with, by how it is used."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MASS = _words(
    """
    agriculture air algae architecture art artwork ash asphalt athletics autumn bacon badminton baggage
    ballet baseball basketball beef beer bread broccoli bronze butter cardboard cash celery cement
    ceramics cereal cheese chess chocolate christmas clay cloth clothing coffee concrete confetti copper
    coral corn cotton cricket darkness dawn daylight denim dirt dough dusk dust easter electricity
    electronics embroidery equipment fabric fashion flour foam fog foliage food football frost fruit fur
    furniture garbage garlic ginger glitter gold golf graffiti granite graphics grass gravel greenery
    gymnastics hail hair halloween hay hockey honey ice iron ivy jewellery jewelry judo juice junk
    karate ketchup lace laundry lava leather lettuce lighting lightning litter luggage lumber machinery
    makeup marble mathematics meat metal milk mist money moonlight moss mud music mustard nature news
    night oil paper parchment pasta plastic poker politics polo popcorn pork precipitation rain ramen
    research rice rubber rubbish rubble rugby salmon salt sand seafood seaweed shampoo shrimp silk
    silver skin slime smoke snow soap soccer soil soup spaghetti spinach steam steel straw sugar summer
    sunlight sunshine sushi tea technology tennis text thunder timber toast tofu traffic transport
    transportation trash tuna vegetation velvet volleyball water weather wildlife wind wine winter wood
    wool yoga yogurt
    """
)
"""Nouns that take no "a"."""

SINGULAR_IN_S = _words(
    """
    alias athletics atlas bias canvas ceramics christmas cosmos electronics gas graphics gymnastics
    kansas lens mars mathematics news pegasus politics series species texas
    """
)
"""Nouns in -s that stand for one."""

COUNTED_ING = _words(
    """
    anything awning being building carving ceiling clearing covering crossing drawing duckling dumpling
    dwelling earring engraving evening gathering gosling greeting herring king landing meeting morning
    offering opening painting pudding railing ring sapling seedling sibling sling something spring
    starling stocking string swing thing viking wedding wing
    """
)
"""Nouns in -ing that can be counted."""

ACTIONS = _words(
    """
    bake balance bark bat bathe bend bike bite blow bowl box brush buy camp carry catch celebrate chase
    cheer chew chop clap clean climb compete cook crawl crouch cry cut cycle dance dig dive drag draw
    dress dribble drink drive dunk eat explore fall feed fence fetch fight fish flip float fly frown fry
    gaze golf graze greet grin groom hang hike hit hold hop hug hunt jog juggle jump kayak kick kiss
    kneel knit laugh lean leap lick lie lift listen look march marry meditate meet nap paddle paint
    parachute pay peel perch perform pet pick pitch plant play point pose pour practice pray pull push
    race read relax repair rest ride row run sail salute scream sell serve sew shake shave shoot shop
    shout sing sit skate skateboard ski skip sled sleep slice slide slip smile sneeze sniff snowboard
    speak spin splash sprint squat stand stare stir stretch stroll study sunbathe surf sweep swim swing
    tackle talk teach throw travel tumble twirl type undress vote wade wait walk wash watch wave wear
    weave weld wink work worship wrestle write yawn yell
    """
)
"""Verbs that people see in pictures."""

ACTIONS_AND_THINGS = _words(
    """
    balance bark bat bike bite bowl box brush camp cook cut cycle dance dress drink drive fall fence
    fish flip fly golf groom kayak march nap paddle paint parachute peel pet pitch plant point race rest
    ride row sail shop skate skateboard ski sled slice slide slip snowboard splash stand study surf
    swing type watch wave work
    """
)
"""Actions whose word names a thing in the first place."""

ACTIONS_ON_THINGS = _words(
    """
    blow brush build carry catch chase climb cook cut drink drive eat feed fly hit hold hug jump kick
    kiss make paint pet play pull push read ride take throw wash watch wear
    """
)
"""Actions that are followed by what they are done to: "play tennis", "holding hands"."""

NOT_DONE_TO = _words(
    """
    area bag basin bath board bottle boy brush cap court dog fountain frame girl glass ground house
    machine man mask mat pad party pen person pit player pool room set shoe shoes shop station store
    suit time track trunks wall woman
    """
)
"""Second words that make a thing of an action: "play area"."""

QUALITIES = _words(
    """
    abandoned ancient antique barren beautiful beige big black black-and-white blue blurry bright broken
    brown burning busy calm checkered circular clean closed cloudy coastal cold colorful colourful
    crimson crowded curved cute damp dark dead deep delicious digital dirty domestic dry dusty edible
    electric electronic elegant empty fast flat floating floral fluffy foggy fresh frozen full funny
    furry glossy glowing grassy gray green grey hairy hard hot huge icy indoor inflatable large leafy
    little long lush luxurious maroon matte medieval metallic misty modern muddy narrow new old open
    orange outdoor oval overgrown patterned pink plaid portable pretty purple quiet rainy raw
    rectangular red religious retro ripe rocky rotten rough round rural rustic rusty sandy scary shallow
    shiny short slow small smooth snowy soft spicy spotted steep stormy striped sunny sweet tall teal
    thick thin tiny transparent triangular tropical turquoise ugly underwater urban vintage warm wet
    white wide wild windy wooden woolly yellow
    """
)
"""What things can be."""

LOOKS_OF_PEOPLE = _words(
    """
    angry asleep athletic bald barechested barefoot bearded blond drunk elderly happy injured masked
    muscular naked nude overweight pregnant sad shirtless slim surprised tattooed tired topless young
    """
)
"""What people can be."""

NUMBERS = _words(
    """
    eight few five four many nine one seven several six ten three two
    """
)
"""How many."""

PLURALS = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "feet": "foot", "teeth": "tooth",
    "geese": "goose", "mice": "mouse", "oxen": "ox", "cattle": "cow", "wolves": "wolf", "fungi": "fungus",
    "cacti": "cactus", "firemen": "fireman", "policemen": "policeman", "snowmen": "snowman",
    "police": "policeman",
}  # fmt: skip
"""Irregular plurals and their singulars."""

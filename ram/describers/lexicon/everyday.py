"""Everyday sights that the ImageNet names lack, or know only by another meaning, described for this project.

One a line: names, kind, what it looks like. They come before what ImageNet says of the same word.
"""

from __future__ import annotations

SIGHTS = """
kite, toy kite | toy | a light cloth or paper frame; flown in the wind at the end of a long string
crane, construction crane | machine | a tall steel machine with a long arm; lifts loads on a building site
crane | bird | a tall grey or white bird with long legs, a long neck and a pointed beak
mouse | rodent | a small furry animal with round ears, a pointed nose and a long thin tail
mouse, computer mouse | device | a small rounded device with buttons; moved by hand beside a keyboard
cup, mug | container | a small open container with a handle, for hot or cold drinks
meteor shower, shooting stars | event in the night sky | bright streaks of light across a dark starry sky
lake | body of water | a wide stretch of still water with land on all sides
river | body of water | a long stretch of flowing water between two banks
stream, brook, creek | body of water | a narrow run of shallow water flowing over stones
pond | body of water | a small pool of still water, often with reeds, ducks or water lilies
ocean, sea | body of water | a vast stretch of blue water with waves, reaching to the horizon
waterfall, cascade | landform | white water falling over a rock edge into a pool below
rapids | part of a river | fast white water rushing over rocks
puddle | pool of water | a small shallow pool of rain water on the ground that mirrors the sky
beach | place by the sea | a strip of sand where waves run up the shore
island, isle | landform | a piece of land with water all around it
desert | landscape | dry, empty land of sand or stones with hardly a plant
forest, woods, woodland | landscape | many trees growing close together
jungle, rainforest | landscape | dense green tropical forest with vines and big leaves
meadow | landscape | open grassy land with wild flowers
farm | place | fields with a farmhouse, a barn and animals
vineyard | farm | long rows of grape vines on a slope
orchard | farm | rows of fruit trees
path, footpath | way | a narrow way worn into the ground, made for walking
trail, hiking trail | path | a narrow unpaved way through woods or mountains
road | way | a long paved way with lanes for cars
highway, motorway | road | a wide road with several lanes and fast cars
alley, lane | street | a narrow street between buildings
crosswalk, pedestrian crossing, zebra crossing | part of a street | white stripes painted across a road
parking lot, car park | place | rows of parked cars on a paved area with marked spaces
subway, metro, underground | railway | trains, tracks and platforms in a tunnel under a city
railway, railroad | track | two parallel steel rails on wooden or concrete sleepers
village | place | a small group of houses in the country
town | place | streets of houses and shops, smaller than a city
city | place | tall buildings, busy streets and many people
skyline | view | the outline of tall buildings against the sky
horizon | line | the line where the sky meets the land or the sea
sunset | time of day | the sun low over the horizon under an orange, pink and red sky
sunrise | time of day | the sun coming up over the horizon in a pale golden sky
night | time of day | a dark sky with street lamps, stars or the moon
rainbow | sight in the sky | an arc of coloured bands in the sky after rain
aurora, northern lights | sight in the sky | green and purple curtains of light in a dark northern sky
moon | thing in the sky | a bright round or crescent disc in the night sky
full moon | sight in the sky | a whole bright round disc in the night sky
milky way | sight in the sky | a pale band of countless stars across a dark sky
eclipse, solar eclipse | sight in the sky | a dark disc with a thin glowing ring of light around it
lightning | sight in the sky | a jagged bright flash between dark clouds and the ground
storm, thunderstorm | weather | dark clouds, heavy rain and flashes of lightning
tornado, twister | storm | a dark spinning funnel that hangs from the clouds to the ground
hurricane, cyclone | storm | a huge spiral of clouds, with wind that bends palm trees
rain | weather | drops falling from grey clouds on wet streets and umbrellas
fog, mist | weather | a pale haze that hides everything farther away
frost | ice | thin white crystals on leaves, grass or windows
flood | disaster | brown water covering streets, fields and the lower parts of houses
wildfire, forest fire | disaster | trees in flames under thick smoke
bonfire, campfire | fire | burning logs in the open with flames and sparks
fireworks, firework | show | bursts of coloured light and sparks in the night sky
explosion | event | a ball of fire with smoke and flying pieces
parade, march | event | people in costumes or uniforms walking down a street past a crowd
protest, demonstration | event | a crowd of people with signs and banners in a street
concert | event | musicians on a lit stage before a crowd
festival | event | a crowd outdoors with tents, stages, lights and music
wedding | event | a bride in a white dress and a groom in a suit among their guests
birthday party, birthday | event | people around a cake with candles, balloons and presents
party | event | people with drinks together in a decorated room
graduation | event | young people in black gowns and square caps
picnic | meal | people eating on a blanket spread on the grass
christmas | holiday | a decorated tree with lights, and wrapped presents
halloween | holiday | carved pumpkins with glowing faces, and people in costumes
race | event | runners, riders or cars trying to be first
teenager, teen, adolescent | person | a boy or girl between a child and a grown-up
toddler | child | a very small child who is just learning to walk
baby, infant | child | a very young child with a big head and soft skin
couple | group | two people close together, holding hands or hugging
team | group | players in the same uniform
crowd | group | a great many people close together
surfer | person | someone standing on a board on a wave
cyclist, biker | person | someone riding a bicycle
snowboarder | person | someone sliding down a snowy slope on one board, both feet strapped to it
skier | person | someone gliding over snow on two skis, with poles in the hands
swimmer | person | someone in the water with a cap or goggles
runner, jogger | person | someone running in sports clothes
hiker | person | someone walking a trail with a backpack
skater | person | someone on skates or on a skateboard
wrestler | athlete | a strong athlete gripping an opponent on a mat
hockey player, ice hockey player | athlete | a player with a stick, helmet and skates on the ice
photographer | person | someone looking through a camera
pedestrian | person | someone walking along a street
chef, cook | person | someone in a white jacket preparing food in a kitchen
barber, hairdresser | person | someone cutting a person's hair
musician | person | someone playing an instrument
pianist | musician | someone sitting at the keys of a piano
violinist | musician | someone with a violin under the chin and a bow in the hand
ballerina | dancer | a dancer on her toes in a tutu
cowboy | person | a man in a wide hat and boots, often on a horse
clown | person | someone with a painted face, a red nose and colourful clothes
santa claus | figure | an old man with a white beard, a red suit and a red cap
mermaid | creature of fairy tales | a woman with the tail of a fish
unicorn | creature of fairy tales | a white horse with one long horn on its forehead
dragon | creature of fairy tales | a huge winged reptile that breathes fire
robot | machine | a metal figure with arms, joints and electronic eyes
drone, quadcopter | aircraft | a small flying machine with four rotors and often a camera
smartphone, cell phone, mobile phone | telephone | a flat hand-held device with a glass screen
tablet, tablet computer | computer | a flat portable screen worked with the fingers
laptop | computer | a portable computer with a screen that folds over the keyboard
glasses, eyeglasses | thing to wear | two clear lenses in a frame, worn on the nose before the eyes
water | liquid | a clear liquid with ripples, drops or splashes
headphones, headset | device | two padded speakers on a band over the head
keyboard | device | rows of keys for typing
screen | device | a flat bright panel that shows pictures or text
electric scooter, e-scooter | vehicle | a narrow board on two small wheels with an upright handlebar
motorbike | vehicle | a two-wheeled vehicle with an engine and handlebars
atv, quad bike | vehicle | a small open vehicle with four fat tyres and handlebars
race car, racing car | car | a low, fast car with a number and advertisements painted on it
hot air balloon | aircraft | a huge colourful balloon with a basket hanging below
roller coaster | fairground ride | cars full of people on a steep, looping track
ferris wheel | fairground ride | a huge upright wheel with seats or cabins around its rim
carousel, merry-go-round | fairground ride | painted horses going round on a turning platform
seesaw | plaything | a long board, balanced in the middle, that goes up and down
ladder | tool | two long side rails joined by steps for climbing
stairs, staircase, steps | part of a building | a row of steps leading up
handrail | part of a building | a bar along the side of a stairway to hold on to
chimney | part of a building | a brick or metal pipe for smoke on a roof
archway, arch | structure | a curved opening in a wall to pass through
boardwalk, pier | walkway | a walkway of wooden planks along or over the water
lighthouse | tower | a tall tower by the sea with a bright lamp at its top
pagoda | tower | a tower of several storeys, each with its own curved roof
pyramid | building | a huge stone building with four sloping sides that meet in a point
swimming pool, pool | basin | a basin of clear blue water for swimming, often with ladders and lanes
aquarium, fish tank | container | a glass tank with water, plants and swimming fish
gym | room | a room with weights, mats and exercise machines
classroom | room | desks in rows before a blackboard
office | room | desks with computers, chairs and lamps
market | place | stalls with fruit, vegetables and other goods, and people shopping
pants, trousers | clothing | a garment for both legs, from the waist to the ankles
jeans, blue jeans | clothing | blue trousers of strong cotton
hoodie | clothing | a soft sweater with a hood and a front pocket
wetsuit | clothing | a tight rubber suit worn by surfers and divers
ring, wedding ring | jewelry | a small band of gold or silver, often with a stone, worn on a finger
earring, earrings | jewelry | a small ornament hanging from an ear
badge | emblem | a small metal or cloth sign worn on the chest
medal | award | a round piece of metal on a ribbon
trophy | award | a large gold or silver cup given to a winner
ribbon | band | a narrow strip of shiny cloth, often tied in a bow
gift, present | thing to give | a box wrapped in coloured paper with a ribbon
surfboard | board | a long smooth board with a pointed nose for riding waves
longboard | skateboard | a long board on four wheels for riding down streets
ponytail | hairstyle | long hair tied together at the back of the head
braid | hairstyle | long hair woven from three strands
beard | facial hair | hair on a man's chin and cheeks
smile, smiling face | look on a face | a mouth with raised corners, often showing teeth
tear, tears | drop | a drop of water running down a cheek
selfie | photo | a photo of oneself at arm's length
portrait | picture | a picture of a person's face and shoulders
handstand | exercise | a body upside down on its hands, with the legs in the air
skull | bone | the bones of a head, with empty eye sockets and teeth
feather | part of a bird | a light plume with a thin shaft and soft sides
antler, antlers | part of an animal | branching bony horns on the head of a deer
paw | part of an animal | a furry foot with claws and soft pads
tail | part of an animal | a long thin or bushy part at the end of an animal's back
leaf, leaves | part of a plant | a flat green blade growing from a twig
blossom, cherry blossom | flowers | pink or white flowers crowded on the branches of a tree
branch, twig | part of a tree | a woody arm of a tree with leaves
log | wood | a thick round piece of a tree trunk
moss | plant | a soft green carpet on stones and trunks
seaweed | plant | brown or green ribbons that float in the sea or lie on the beach
cactus | plant | a thick green desert plant covered with spines
iris | flower | a purple, blue or yellow flower with drooping petals
dog | animal | a furry animal on four legs with a wagging tail, a wet nose and a hanging tongue
cat | animal | a small furry animal with upright ears, whiskers and a long tail
horse | animal | a big animal with long legs, a mane and a long tail; carries riders
bird | animal | a feathered animal with wings and a beak
puppy | dog | a young dog with soft fur, a round head and big paws
kitten | cat | a young cat with big eyes and fluffy fur
labrador | dog | a strong yellow, black or brown dog with short hair and hanging ears
pit bull, pitbull | dog | a muscular short-haired dog with a broad head
shiba inu | dog | a small fox-like dog with orange fur, upright ears and a curled tail
dinosaur | animal of the past | a huge reptile, known from its bones
herd | group | many animals of one kind grazing or walking together
cupcake | cake | a small round cake in a paper cup with a swirl of cream
pancake, pancakes | food | a stack of flat round cakes with syrup or berries
pie | food | a round baked crust with a fruit or meat filling
steak | meat | a thick slice of grilled beef
noodles, noodle | food | long thin strips of dough in a bowl
salad | dish | green leaves mixed with tomatoes, cucumbers and other vegetables
barbecue | meal | meat and sausages on a smoking grill outdoors
milkshake | drink | a thick frothy drink in a tall glass with a straw
cigarette | thing to smoke | a thin white paper roll that burns at one end with smoke
smoke | cloud | a grey cloud rising from something that burns
steam | cloud | a white cloud rising from hot water
flame, fire | burning | yellow and orange tongues of light, with smoke
mud | ground | soft, wet, brown earth
graffiti, street art | pictures | names and pictures sprayed in bright colours on a wall
mural | painting | a large picture painted on a wall
billboard | sign | a huge advertisement on a frame beside a road
poster | picture | a large printed sheet on a wall
logo | sign | a simple coloured mark that stands for a company
money, cash | means of paying | paper notes and metal coins
ticket | slip of paper | a small printed piece of paper or card that lets someone in
tissue | paper | a thin soft sheet from a box, for wiping
trash, garbage, litter | waste | thrown-away bags, bottles and papers
shadow | dark shape | a dark shape on the ground or a wall behind something in the light
reflection | image | a mirrored image in water, glass or polished metal
bubble, bubbles, soap bubble | ball | a thin shiny ball of soapy water floating in the air
plane, airplane, aeroplane | aircraft | a large flying machine with two fixed wings, a tail and engines
book | thing to read | printed pages between two covers
letter | message | a sheet of paper with writing, or its envelope with a stamp
cake | food | a sweet baked food, often in layers with cream, icing or candles
tea | drink | a hot brown drink in a cup
chocolate | sweet | smooth brown bars or pieces
ice | water | hard, clear or white frozen water
fork | cutlery | a long handle with three or four prongs, for eating with
plate | dish | a flat round dish to eat from
glass, drinking glass | container | a clear container to drink from
sink | basin | a basin with a tap and a drain
couch | seat | a long soft seat with a back and arms
tie, necktie | clothing | a long narrow band of cloth knotted under a shirt collar
tire, tyre | part of a vehicle | a ring of black rubber around a wheel
park | place | lawns, trees, paths and benches in a city
field | land | a wide open stretch of grass or crops
yard | place | the lawn or ground around a house, often with a fence
station, train station | building | platforms beside tracks, where trains stop
track, race track | way | an oval course with marked lanes for races
tunnel | passage | a long dark passage through a hill or under the ground
wall | structure | an upright surface of brick, stone or plaster
stone | object | a hard grey piece of rock
shell, seashell | covering | the hard curved case of a snail, mussel or other sea animal
planet | thing in the sky | a round world that circles a star
man | person | a grown-up male person
woman | person | a grown-up female person
boy | child | a young male person
king | ruler | a man with a crown on a throne
queen | ruler | a woman with a crown on a throne
hand | part of a body | a palm with four fingers and a thumb
finger | part of a hand | one of the long thin ends of a hand, with a nail
arm | part of a body | the long limb between shoulder and hand
leg | part of a body | the long limb between hip and foot
foot | part of a body | the lowest part of a leg, with toes and a heel
knee | part of a leg | the joint in the middle of a leg
face | part of a head | eyes, nose and mouth
eye | part of a face | a round coloured iris with a black pupil under a lid with lashes
nose | part of a face | the middle of the face, with two nostrils
ear | part of a head | a curved flap at the side of the head
mouth | part of a face | lips, teeth and tongue
lip, lips | part of a face | the soft red edge of a mouth
tongue | part of a mouth | the soft pink flap in a mouth, hanging out when a dog pants
tooth | part of a mouth | a hard white piece for biting
neck | part of a body | the narrow part between head and shoulders
hair | part of a body | strands growing on a head, long or short, straight or curly
fur | part of an animal | thick soft hair that covers an animal
wing | part of a bird | a feathered limb for flying
bone | part of a body | a hard white piece of a skeleton
heart | shape | a red shape with two round lobes and a point below
running, jogging | act | moving fast on foot with arms swinging and one leg stretched behind
walking | act | one foot before the other, upright and without haste
jumping, leaping | act | in the air with both feet off the ground
climbing | act | hands and feet on a rock, wall or tree, moving up
swimming | act | arms and head above the water, with ripples and splashes around
diving | act | head and stretched arms first, falling towards the water
sitting | act | bent at hips and knees, on a chair, a bench or the ground
lying | act | stretched out flat on the ground, a bed or a couch
standing | act | upright on both feet
kneeling | act | one or both knees on the ground
sleeping | act | eyes closed, head on a pillow or resting
smiling | act | the corners of the mouth raised, often showing teeth
laughing | act | mouth wide open and eyes narrowed with joy
crying | act | tears on the cheeks and a twisted face
kissing | act | lips touching another's lips or cheek
hugging | act | arms held tightly around someone
eating | act | food in the hand or on a fork, brought to the mouth
drinking | act | a glass, cup or bottle at the lips
reading | act | eyes on an open book or newspaper
writing | act | a pen in the hand over a sheet of paper
talking, speaking | act | mouth open and hands moving, facing another person
singing | act | mouth open before a microphone
dancing | act | arms and legs moving to music, hips turned
playing | act | busy with a ball, a toy or a game
throwing | act | an arm drawn back or stretched out behind a flying ball
catching | act | hands or jaws closing around something in the air
kicking | act | one leg swung forward at a ball
riding | act | sitting astride a horse or a bicycle
wrestling | act | gripping an opponent to force him to the ground
fighting | act | two facing each other with fists, teeth or claws
chasing | act | running behind another to catch up
pushing | act | both hands pressed against something, leaning forward
pulling | act | hands around a rope or handle, leaning back
carrying | act | something heavy in the arms or on the back
performing | act | on a stage in front of an audience
posing | act | standing still and looking into the camera
"""
